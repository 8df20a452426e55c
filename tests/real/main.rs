//! Real clients against real servers: servers that hang, die and come back, and wires that fail in between. Skipped,
//! loudly, where the servers are not installed.

mod http;
mod postgres_server;
mod postgres_wire;
mod redis_server;
mod redis_wire;
