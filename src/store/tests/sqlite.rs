//! SQLite passes the suite.

store_suite!(crate::store::tests::fresh);
