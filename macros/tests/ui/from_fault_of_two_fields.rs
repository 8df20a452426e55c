use qtests::FromFault;

#[derive(FromFault)]
enum ShopError {
    #[fault]
    Declined(u64, String),
}

fn main() {}
