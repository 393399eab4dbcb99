//! Changing the parts of a `CREATE TABLE`.
