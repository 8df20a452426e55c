//! Real clients against real servers that hang, die and come back. Skipped, loudly, where the servers are not installed.

mod postgres_server;
mod redis_server;
