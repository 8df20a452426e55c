use qtests::faulty;

trait Named {
    fn name(&self) -> String;
}

#[faulty]
trait Payments: Named {
    fn charge(&self) -> u64;
}

fn main() {}
