//! The control: what a rebuild without care does to the same tables, so that the survival test is seen to be able to
//! fail.

use sea_orm::ConnectionTrait as _;

use super::{nasty, pool};
use crate::support::select;

/// Create, copy, drop, rename: what is found in many a tool, and in many an answer on the web.
const NAIVE: &str = "BEGIN;
CREATE TABLE new_drug (id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL, n integer, s varchar(20), m text NOT NULL, extra blob, owner_id integer);
INSERT INTO new_drug SELECT id, name, n, s, m, extra, owner_id FROM drug;
DROP VIEW everything; DROP VIEW drugs_with_owner; DROP TRIGGER owner_gone; DROP TRIGGER folder_gone;
DROP TABLE drug;
ALTER TABLE new_drug RENAME TO drug;
COMMIT";

#[tokio::test]
async fn without_care_children_triggers_and_the_sequence_are_lost() {
    let file = nasty().await;
    let url = file.url();
    let count = async |sql: &str| select(&url, sql).await.remove(0);
    let doses = "SELECT CAST(count(*) AS text) FROM dose";
    let mentions = "SELECT CAST(count(drug_id) AS text) FROM mention";
    let triggers = "SELECT CAST(count(*) AS text) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'drug'";
    let sequence = "SELECT CAST(seq AS text) FROM sqlite_sequence WHERE name = 'drug'";
    let queries = [doses, mentions, triggers, sequence];
    let mut before = Vec::new();
    for query in queries {
        before.push(count(query).await);
    }
    assert_eq!(before, ["3", "2", "2", "41"]);
    // Without the row that points without an action, SQLite would at least refuse.
    pool(&url)
        .await
        .execute_unprepared("DELETE FROM tagged")
        .await
        .expect("the tags are gone");
    pool(&url)
        .await
        .execute_unprepared(NAIVE)
        .await
        .expect("it reports success");
    let mut after = Vec::new();
    for query in queries {
        after.push(count(query).await);
    }
    assert_eq!(after, ["0", "0", "0", "7"]);
}
