use qtests::FromFault;

#[derive(FromFault)]
enum ShopError {
    #[fault]
    Slow,
    #[fault]
    Broken(String),
}

fn main() {}
