//! Tables and their columns.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr};

use super::query::{rows, sql};
use crate::schema::model::{Column, Generated, Table};

pub(super) async fn read(
    connection: &impl ConnectionTrait,
) -> Result<BTreeMap<String, Table>, DbErr> {
    let query = sql(
        "SELECT c.relname::text, obj_description(c.oid, 'pg_class'), \
           CASE c.relpersistence WHEN 'u' THEN 'unlogged' END, \
           CASE WHEN c.relrowsecurity THEN 'row level security' END, \
           CASE WHEN c.relforcerowsecurity THEN 'force row level security' END, \
           CASE WHEN c.relkind = 'p' THEN 'partition by ' || pg_get_partkeydef(c.oid) END, \
           (SELECT 'inherits ' || string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) FROM pg_inherits h WHERE h.inhrelid = c.oid), \
           pg_get_expr(c.relpartbound, c.oid), \
           'with ' || c.reloptions::text \
         FROM pg_class c WHERE c.relnamespace = {here} AND c.relkind IN ('r', 'p') AND {own c.oid}",
    );
    let mut tables = BTreeMap::new();
    for row in rows(connection, query).await? {
        let name: String = row.try_get_by_index(0)?;
        let mut options = Vec::new();
        for index in 2..9 {
            options.extend(row.try_get_by_index::<Option<String>>(index)?);
        }
        let table = Table {
            name: name.clone(),
            options,
            comment: row.try_get_by_index(1)?,
            ..Table::default()
        };
        tables.insert(name, table);
    }
    columns(connection, &mut tables).await?;
    others(connection, &mut tables).await?;
    Ok(tables)
}

async fn columns(
    connection: &impl ConnectionTrait,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), DbErr> {
    let query = sql(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
           pg_get_expr(d.adbin, d.adrelid, true), a.attgenerated::text, a.attidentity::text, \
           (SELECT o.collname::text FROM pg_collation o WHERE o.oid = a.attcollation AND a.attcollation <> t.typcollation), \
           col_description(c.oid, a.attnum), \
           (SELECT concat_ws(' ', 'start', s.seqstart, 'by', s.seqincrement, 'from', s.seqmin, 'to', s.seqmax, 'cache', s.seqcache, \
              CASE WHEN s.seqcycle THEN 'cycle' END) \
            FROM pg_depend p JOIN pg_sequence s ON s.seqrelid = p.objid \
            WHERE p.classid = 'pg_class'::regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum AND p.deptype = 'i') \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid \
           LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE c.relnamespace = {here} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
         ORDER BY c.relname, a.attnum",
    );
    for row in rows(connection, query).await? {
        let Some(table) = tables.get_mut(&row.try_get_by_index::<String>(0)?) else {
            continue;
        };
        let expression: Option<String> = row.try_get_by_index(4)?;
        let generated: String = row.try_get_by_index(5)?;
        let identity: String = row.try_get_by_index(6)?;
        let sequence: Option<String> = row.try_get_by_index(9)?;
        let kind = match &*identity {
            "a" => Some("always"),
            "d" => Some("by default"),
            _ => None,
        };
        let (default, generated) = if generated.is_empty() {
            (expression, None)
        } else {
            let stored = generated == "s";
            (
                None,
                expression.map(|expression| Generated { expression, stored }),
            )
        };
        table.columns.push(Column {
            name: row.try_get_by_index(1)?,
            type_: row.try_get_by_index(2)?,
            nullable: !row.try_get_by_index::<bool>(3)?,
            default,
            collation: row.try_get_by_index(7)?,
            generated,
            identity: kind.map(|kind| format!("identity {kind} {}", sequence.unwrap_or_default())),
            comment: row.try_get_by_index(8)?,
            extra: None,
        });
    }
    Ok(())
}

/// Triggers, policies and rules.
async fn others(
    connection: &impl ConnectionTrait,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), DbErr> {
    let query = sql(
        "SELECT c.relname::text, t.tgname::text, pg_get_triggerdef(t.oid, true) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' enabled ' || t.tgenabled::text END \
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = {here} AND NOT t.tgisinternal \
         UNION ALL \
         SELECT c.relname, 'policy ' || p.polname, concat_ws(' ', p.polcmd, CASE WHEN p.polpermissive THEN 'permissive' END, p.polroles::regrole[]::text, \
           pg_get_expr(p.polqual, p.polrelid, true), 'check', pg_get_expr(p.polwithcheck, p.polrelid, true)) \
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = {here} \
         UNION ALL \
         SELECT c.relname, 'rule ' || r.rulename, pg_get_ruledef(r.oid, true) \
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = {here} AND r.rulename <> '_RETURN'",
    );
    for row in rows(connection, query).await? {
        let (table, name, text): (String, String, String) = row.try_get_many_by_index()?;
        if let Some(table) = tables.get_mut(&table) {
            table.triggers.insert(name, text);
        }
    }
    Ok(())
}
