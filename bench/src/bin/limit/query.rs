//! What a list is asked for, as SQL.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use domain::Absences;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};

use crate::column;
use crate::counts::SCHEDULES;

/// The words that a list is sorted by, each with its column.
const SORT_KEYS: [(&str, &str, usize); 4] = [
    ("id", "id", column::ID),
    ("name", "search_text", column::SEARCH_TEXT),
    ("days_remaining", "run_out_date", column::RUN_OUT_DATE),
    ("order_by", "reorder_date", column::REORDER_DATE),
];
/// The index has a piece of so many letters from every second letter of a text on.
const PIECE: usize = 7;
/// For a shorter word it would have to read too many of them.
const SHORTEST_INDEXED: usize = 3;

/// A list, as it was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) limit: usize,
    pub(crate) archived: Option<bool>,
    pub(crate) schedule: Option<String>,
    /// The conditions that no count is kept of, joined by AND.
    filter: Vec<String>,
    values: Vec<Value>,
    pub(crate) sort: String,
    /// The place of the column that the list is sorted by.
    pub(crate) key: usize,
    key_column: &'static str,
    after: Option<(Value, i64)>,
}

impl Request {
    /// Reads a query string; what this server does not know is refused.
    pub(crate) fn read(
        query: &str,
        today: NaiveDate,
        absences: &Absences,
        search: Option<&str>,
    ) -> Result<Self, String> {
        let mut request = Self {
            limit: 50,
            archived: Some(false),
            schedule: None,
            filter: Vec::new(),
            values: Vec::new(),
            sort: "id".to_owned(),
            key: column::ID,
            key_column: "id",
            after: None,
        };
        let (mut cursor, mut sort) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("limit", limit) => {
                    request.limit = limit
                        .parse()
                        .ok()
                        .filter(|limit| (1..=200).contains(limit))
                        .ok_or("limit must be a whole number from 1 to 200")?;
                }
                ("archived", "true") => request.archived = Some(true),
                ("archived", "false") => {}
                ("archived", "any") => request.archived = None,
                ("schedule_type", schedule) if SCHEDULES.contains(&schedule) => {
                    request.schedule = Some(schedule.to_owned());
                }
                ("needs_reorder", "true") => {
                    request.due("", today, absences);
                    sort.get_or_insert_with(|| "order_by".to_owned());
                }
                ("needs_reorder", "false") => request.due("NOT ", today, absences),
                ("q", words) => request.search(words, search),
                ("sort", keys) => sort = Some(keys.to_owned()),
                ("cursor", text) => cursor = Some(text.to_owned()),
                (name, _) => return Err(format!("{name} is not known here, or its value is not")),
            }
        }
        if let Some(sort) = sort {
            request.sorted(sort)?;
        }
        request.after = match cursor {
            Some(cursor) => Some(
                request
                    .decoded(&cursor)
                    .ok_or("cursor is not of this list")?,
            ),
            None => None,
        };
        Ok(request)
    }

    fn due(&mut self, not: &str, today: NaiveDate, absences: &Absences) {
        self.filter.push(format!(
            "{not}(reorder_date <= ? AND run_out_date <= ? AND (start_date IS NULL OR start_date <= ?) \
             AND (end_date IS NULL OR end_date >= ?))"
        ));
        let dates = [
            absences.due_until(today),
            domain::horizon(today),
            today,
            today,
        ];
        self.values
            .extend(dates.map(|date| Value::from(date.to_string())));
    }

    /// Every word stands in the text; an index leads there where there is one.
    fn search(&mut self, words: &str, search: Option<&str>) {
        let folded = domain::text::search_key(words);
        let words = || folded.split_whitespace();
        let indexed: Vec<_> = words()
            .map(|word| word.chars().collect::<Vec<_>>())
            .filter(|word| word.len() >= SHORTEST_INDEXED)
            .map(|word| pieces(&word))
            .collect();
        if let Some(table) = search.filter(|_| !indexed.is_empty()) {
            self.filter.push(format!(
                "id IN (SELECT rowid FROM \"{table}\" WHERE \"{table}\" MATCH ?)"
            ));
            self.values.push(Value::from(indexed.join(" AND ")));
        }
        for word in words() {
            self.filter.push("instr(search_text, ?) > 0".to_owned());
            self.values.push(Value::from(word.to_owned()));
        }
    }

    fn sorted(&mut self, sort: String) -> Result<(), String> {
        let word = sort.strip_prefix('-').unwrap_or(&sort);
        let (_, name, place) = SORT_KEYS
            .into_iter()
            .find(|(known, ..)| *known == word)
            .ok_or("sort takes one key here")?;
        (self.key, self.key_column, self.sort) = (place, name, sort);
        Ok(())
    }

    /// Whether every count of this list is kept.
    pub(crate) fn is_counted(&self) -> bool {
        self.filter.is_empty()
    }

    pub(crate) fn is_first_page(&self) -> bool {
        self.after.is_none()
    }

    /// The statement of the page, or of all rows of the list, with its values.
    pub(crate) fn rows(&self, limited: bool) -> (String, Vec<Value>) {
        let (mut conditions, mut values) = self.conditions();
        let descending = self.sort.starts_with('-');
        let (order, beyond) = if descending {
            (" DESC", "<")
        } else {
            ("", ">")
        };
        if let Some((value, id)) = &self.after {
            if self.key == column::ID {
                conditions.push(format!("id {beyond} ?"));
            } else {
                conditions.push(format!("({}, id) {beyond} (?, ?)", self.key_column));
                values.push(value.clone());
            }
            values.push(Value::from(*id));
        }
        let by = if self.key == column::ID {
            format!("id{order}")
        } else {
            format!("{}{order}, id{order}", self.key_column)
        };
        let limit = if limited {
            // One row more tells whether there is a next page.
            values.push(Value::from(i64::try_from(self.limit).unwrap_or(200) + 1));
            " LIMIT ?"
        } else {
            ""
        };
        let sql = format!(
            "SELECT {} FROM drugs{} ORDER BY {by}{limit}",
            column::DRUG,
            joined(&conditions)
        );
        (sql, values)
    }

    /// The statement that counts the list, with its values.
    pub(crate) fn count(&self) -> (String, Vec<Value>) {
        let (conditions, values) = self.conditions();
        let sql = format!("SELECT count(*) FROM drugs{}", joined(&conditions));
        (sql, values)
    }

    fn conditions(&self) -> (Vec<String>, Vec<Value>) {
        let mut conditions = self.filter.clone();
        match self.archived {
            Some(true) => conditions.push("archived = 1".to_owned()),
            Some(false) => conditions.push("archived = 0".to_owned()),
            None => {}
        }
        let mut values = self.values.clone();
        if let Some(schedule) = &self.schedule {
            conditions.push("schedule_type = ?".to_owned());
            values.push(Value::from(schedule.clone()));
        }
        (conditions, values)
    }

    /// The cursor behind a row, as the service writes it.
    pub(crate) fn cursor(&self, value: &str, id: i64) -> String {
        let keys = if self.key == column::ID {
            serde_json::json!([self.sort, id])
        } else {
            serde_json::json!([self.sort, value, id])
        };
        BASE64_URL_SAFE_NO_PAD.encode(keys.to_string())
    }

    fn decoded(&self, cursor: &str) -> Option<(Value, i64)> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let keys: Vec<serde_json::Value> = serde_json::from_slice(&bytes).ok()?;
        match &keys[..] {
            [sort, id] if self.key == column::ID && *sort == *self.sort => {
                Some((Value::Null, id.as_i64()?))
            }
            [sort, value, id] if self.key != column::ID && *sort == *self.sort => {
                Some((Value::from(value.as_str()?.to_owned()), id.as_i64()?))
            }
            _ => None,
        }
    }
}

fn joined(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

/// The pieces that a text has in which this word stands: one of two for its beginning, and one of two for its end.
fn pieces(word: &[char]) -> String {
    if word.len() > PIECE + 1 {
        let (begin, end) = (&word[..=PIECE], &word[word.len() - PIECE - 1..]);
        return format!("{} AND {}", pieces(begin), pieces(end));
    }
    let [first, second] = [word, &word[1..]].map(|letters| {
        let piece: String = letters.iter().take(PIECE).collect();
        let more = if letters.len() < PIECE { "*" } else { "" };
        format!("\"{}\"{more}", piece.replace('"', "\"\""))
    });
    format!("({first} OR {second})")
}

/// The table that finds every text with a given piece, where the schema has one.
pub(crate) fn search_index(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection
        .query_row(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%fts5%pieces%'",
            [],
            |row| row.get(0),
        )
        .optional()
}
