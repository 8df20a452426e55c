use qtests::faulty;

struct Bank;

#[faulty]
impl Bank {
    fn charge(&self) {}
}

fn main() {
    Bank.charge();
}
