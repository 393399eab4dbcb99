//! What stands in the way of a change: taken away before, and put back as it was.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// What was taken away, in this order.
#[derive(Debug, Default)]
pub(in crate::operation) struct Aside {
    /// What makes each of it again.
    definitions: Vec<String>,
}

impl Aside {
    /// Takes away the foreign keys, of whatever table, that lean on this key of the table.
    pub(super) async fn leaning_on(
        &mut self,
        connection: &impl ConnectionTrait,
        table: &str,
        key: &str,
    ) -> Result<(), DbErr> {
        self.take(connection, FOREIGN_KEYS, [table, key]).await
    }

    /// Takes away the constraints and indexes in which this column has a part.
    pub(in crate::operation) async fn about(
        &mut self,
        connection: &impl ConnectionTrait,
        table: &str,
        column: &str,
    ) -> Result<(), DbErr> {
        self.take(connection, CONSTRAINTS, [table, column]).await?;
        self.take(connection, INDEXES, [table, column]).await
    }

    async fn take(
        &mut self,
        connection: &impl ConnectionTrait,
        query: &str,
        values: [&str; 2],
    ) -> Result<(), DbErr> {
        let values = values.map(Into::into);
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, query, values);
        for row in connection.query_all_raw(statement).await? {
            let (drop, definition): (String, String) = row.try_get_many_by_index()?;
            connection.execute_unprepared(&drop).await?;
            self.definitions.push(definition);
        }
        Ok(())
    }

    /// What was taken last is needed by what was taken before.
    pub(in crate::operation) async fn put_back(
        self,
        connection: &impl ConnectionTrait,
    ) -> Result<(), DbErr> {
        for definition in self.definitions.iter().rev() {
            connection.execute_unprepared(definition).await?;
        }
        Ok(())
    }
}

const FOREIGN_KEYS: &str = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', o.conrelid::regclass, o.conname), \
   format('ALTER TABLE %s ADD CONSTRAINT %I %s', o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid)) \
 FROM pg_constraint o JOIN pg_constraint k ON k.conindid = o.conindid AND k.conrelid = o.confrelid AND k.contype IN ('p', 'u') \
   JOIN pg_class t ON t.oid = k.conrelid AND t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
 WHERE o.contype = 'f' AND t.relname = $1 AND k.conname = $2 ORDER BY 1";

const CONSTRAINTS: &str = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', o.conrelid::regclass, o.conname), \
   format('ALTER TABLE %s ADD CONSTRAINT %I %s', o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid)) \
 FROM pg_constraint o WHERE EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid \
     AND t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
   WHERE t.relname = $1 AND a.attname = $2 \
     AND (a.attrelid = o.conrelid AND a.attnum = ANY (o.conkey) OR a.attrelid = o.confrelid AND a.attnum = ANY (o.confkey))) \
 ORDER BY array_position(ARRAY['f', 'c', 'x', 'u', 'p'], o.contype::text), 1";

const INDEXES: &str = "SELECT format('DROP INDEX %s', x.indexrelid::regclass), pg_get_indexdef(x.indexrelid) \
 FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid AND t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
   JOIN pg_attribute a ON a.attrelid = t.oid \
 WHERE t.relname = $1 AND a.attname = $2 \
   AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid \
     AND d.refobjid = t.oid AND d.refobjsubid = a.attnum) \
   AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = x.indexrelid AND o.contype IN ('p', 'u', 'x')) \
 ORDER BY 1";
