use qtests::faulty;
use std::sync::Arc;

#[faulty]
trait Node {
    fn start(self: Arc<Self>);
}

fn main() {}
