//! Reading a PostgreSQL schema from `pg_catalog`, in the server's own spelling.
//!
//! Names of the same schema are printed without it, so that schemas of two names can be compared.

mod constraints;
mod query;
mod tables;

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::model::{Object, Schema};
use query::{rows, sql};

pub(super) async fn read(connection: &impl ConnectionTrait) -> Result<Schema, DbErr> {
    let mut schema = Schema {
        backend: DbBackend::Postgres,
        tables: tables::read(connection).await?,
        enums: enums(connection).await?,
        objects: objects(connection).await?,
    };
    constraints::read(connection, &mut schema.tables).await?;
    Ok(schema)
}

async fn enums(connection: &impl ConnectionTrait) -> Result<BTreeMap<String, Vec<String>>, DbErr> {
    let query = sql(
        "SELECT t.typname::text, e.enumlabel::text FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid \
         WHERE t.typnamespace = {here} AND {own t.oid} ORDER BY t.typname, e.enumsortorder",
    );
    let mut enums: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(connection, query).await? {
        let (name, value): (String, String) = row.try_get_many_by_index()?;
        enums.entry(name).or_default().push(value);
    }
    Ok(enums)
}

/// What has a definition of its own: each query names the object and prints it.
const OBJECTS: [(&str, &str); 8] = [
    (
        "view",
        "SELECT c.relname::text, pg_get_viewdef(c.oid, true) || coalesce(' ' || c.reloptions::text, '') \
         FROM pg_class c WHERE c.relnamespace = {here} AND c.relkind = 'v' AND {own c.oid}",
    ),
    (
        "materialized view",
        "SELECT c.relname::text, concat_ws(' ', pg_get_viewdef(c.oid, true), \
           (SELECT string_agg(pg_get_indexdef(i.indexrelid, 0, true), '; ' ORDER BY 1) FROM pg_index i WHERE i.indrelid = c.oid)) \
         FROM pg_class c WHERE c.relnamespace = {here} AND c.relkind = 'm' AND {own c.oid}",
    ),
    (
        "function",
        "SELECT p.oid::regprocedure::text, regexp_replace(pg_get_functiondef(p.oid), '^CREATE OR REPLACE (FUNCTION|PROCEDURE) [^(]*', '') \
         FROM pg_proc p WHERE p.pronamespace = {here} AND p.prokind IN ('f', 'p', 'w') AND {own p.oid}",
    ),
    (
        "domain",
        "SELECT t.typname::text, concat_ws(' ', format_type(t.typbasetype, t.typtypmod), \
           CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault, \
           (SELECT string_agg(c.conname || ' ' || pg_get_constraintdef(c.oid, true), ' ' ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = t.oid)) \
         FROM pg_type t WHERE t.typnamespace = {here} AND t.typtype = 'd' AND {own t.oid}",
    ),
    (
        "type",
        "SELECT c.relname::text, (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) \
           FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped) \
         FROM pg_class c WHERE c.relnamespace = {here} AND c.relkind = 'c' AND {own c.oid}",
    ),
    (
        "sequence",
        "SELECT c.relname::text, concat_ws(' ', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'by', s.seqincrement, \
           'from', s.seqmin, 'to', s.seqmax, 'cache', s.seqcache, CASE WHEN s.seqcycle THEN 'cycle' END) \
         FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = {here} AND {own c.oid} \
           AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')",
    ),
    (
        "trigger",
        "SELECT t.tgname || ' on ' || c.relname, pg_get_triggerdef(t.oid, true) \
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         WHERE c.relnamespace = {here} AND c.relkind NOT IN ('r', 'p') AND NOT t.tgisinternal AND {own c.oid}",
    ),
    (
        "foreign table",
        "SELECT c.relname::text, (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) \
           FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
         FROM pg_class c WHERE c.relnamespace = {here} AND c.relkind = 'f' AND {own c.oid}",
    ),
];

async fn objects(connection: &impl ConnectionTrait) -> Result<Vec<Object>, DbErr> {
    let mut objects = Vec::new();
    for (kind, query) in OBJECTS {
        for row in rows(connection, sql(query)).await? {
            let (name, definition): (String, Option<String>) = row.try_get_many_by_index()?;
            objects.push(Object {
                kind,
                name,
                definition: definition.unwrap_or_default(),
            });
        }
    }
    objects.sort();
    Ok(objects)
}
