//! The two conditions that every query on the catalogue has, spelled out.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

/// Fills in `{here}`, the namespace that is read, and `{own x}`: `x` belongs to no extension.
pub(super) fn sql(query: &str) -> String {
    let query = query.replace(
        "{here}",
        "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())",
    );
    let mut text = String::new();
    let mut rest = &*query;
    while let Some((before, after)) = rest.split_once("{own ") {
        let (object, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(
            "NOT EXISTS (SELECT 1 FROM pg_depend own WHERE own.deptype = 'e' AND own.objid = ",
        );
        text.push_str(object);
        text.push(')');
        rest = after;
    }
    text + rest
}

pub(super) async fn rows(
    connection: &impl ConnectionTrait,
    query: String,
) -> Result<Vec<QueryResult>, DbErr> {
    let statement = Statement::from_string(DbBackend::Postgres, query);
    connection.query_all_raw(statement).await
}
