use qtests::faulty;

#[faulty]
struct Bank;

fn main() {
    let _ = Bank;
}
