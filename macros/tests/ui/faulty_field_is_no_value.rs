use qtests::faulty;

pub struct Order {
    pub id: u64,
}

#[faulty]
trait Payments {
    fn charge(&self, #[key] order: &Order);
}

fn main() {}
