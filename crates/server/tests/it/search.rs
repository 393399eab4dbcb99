//! `?q=`: what an index finds is what a look at every text finds.

use entity::drug;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, QueryOrder as _, TransactionTrait as _};
use serde_json::json;

use crate::support::{Service, on_both};

const DRUGS: &str = "/api/v1/drugs";
/// What texts are made of: letters that come again, other scripts, what folding changes, marks, what is no letter to
/// anybody, and what means something to an index, to LIKE or to SQL; between bars.
const LETTERS: &str = "a|b|ab|thyroxin|hydro|chlor|É|ß|\u{b5}|ﬁ|İ|n\u{301}|\u{308}|д|Ж|ёж|心|臓|の薬|한|م|ر|\u{64e}|क|\u{94d}|ष|\
    💊|👨\u{200d}👩|\u{10fffd}|\u{378}|\"|'|*|-|+|^|(|)|{|:|.|,|/|%|_|\\|7|50| AND | OR | NOT |\
    NEAR(|pieces:| | ";

/// Draws the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn text(&mut self, letters: usize) -> String {
        (0..=self.below(letters)).map(|_| self.letter()).collect()
    }

    fn letter(&mut self) -> &'static str {
        let letters: Vec<&str> = LETTERS.split('|').collect();
        letters[self.below(letters.len())]
    }

    /// Words that stand in the text, or nearly.
    fn words(&mut self, text: &str) -> String {
        let letters: Vec<char> = text.chars().collect();
        let begin = self.below(letters.len());
        let end = letters.len().min(begin + 1 + self.below(20));
        let mut words: String = letters[begin..end].iter().collect();
        if self.below(4) == 0 {
            words += self.letter();
        }
        words
    }
}

async fn some_drugs(service: &Service, dice: &mut Dice) {
    for number in 0..150 {
        let name = format!("{}{number}", dice.text(60));
        let name: String = name.chars().take(200).collect();
        let drug = json!({
            "name": name, "dosage_strength": format!("x{}", dice.text(6)), "schedule_type": "as_needed", "package_size": 1,
        });
        service.created(DRUGS, &drug).await;
    }
}

/// How many of so many searches found something, and those that did not find what a look at every text finds.
async fn searched(service: &Service, dice: &mut Dice, count: usize) -> (usize, Vec<String>) {
    let drugs = drug::Entity::find()
        .order_by_asc(drug::Column::Id)
        .all(service.connection())
        .await
        .unwrap();
    let near_one = |dice: &mut Dice| {
        let which = dice.below(drugs.len());
        dice.words(&drugs[which].search_text)
    };
    let (mut successes, mut wrong) = (0, Vec::new());
    for _ in 0..count {
        let mut words = near_one(dice);
        if dice.below(3) == 0 {
            words = format!("{words} {}", near_one(dice));
        }
        let words = words.replace('\n', " ");
        let key = domain::text::search_key(&words);
        let holds = |drug: &&drug::Model| {
            let mut words = key.split_whitespace();
            words.all(|word| drug.search_text.contains(word))
        };
        let expected: Vec<i64> = drugs.iter().filter(holds).map(|drug| drug.id).collect();
        let found = found(service, &words).await;
        successes += usize::from(!found.is_empty());
        if found != expected {
            wrong.push(format!("{words:?} finds {found:?} and not {expected:?}"));
        }
    }
    (successes, wrong)
}

/// The ids of what is found, in their order.
async fn found(service: &Service, words: &str) -> Vec<i64> {
    let words: String = form_urlencoded::byte_serialize(words.as_bytes()).collect();
    let path = format!("{DRUGS}?limit=200&archived=any&q={words}");
    let answer = service.get(&path).await;
    assert_eq!(answer.status, 200, "{words}: {}", answer.body);
    let drugs = answer.body.as_array().unwrap();
    assert_eq!(answer.header("x-total-count"), drugs.len().to_string());
    let ids = drugs.iter().map(|drug| drug["id"].as_i64().unwrap());
    ids.collect()
}

on_both! {
    async fn a_search_finds_what_a_look_at_every_text_finds(service: &Service) {
        let mut dice = Dice(3);
        some_drugs(service, &mut dice).await;
        let (successes, wrong) = searched(service, &mut dice, 400).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(successes > 150, "{successes}");
    }

    async fn a_word_is_found_wherever_in_a_long_text_it_stands(service: &Service) {
        let mut dice = Dice(5);
        let name: String = (0..200)
            .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz"[dice.below(26)]))
            .collect();
        service.created(DRUGS, &json!({"name": "other", "schedule_type": "as_needed", "package_size": 1})).await;
        let long = json!({"name": name, "schedule_type": "as_needed", "package_size": 1});
        let id = service.created(DRUGS, &long).await["id"].as_i64().unwrap();
        for letters in [3, 7, 8, 9] {
            for begin in 0..=name.len() - letters {
                let word = &name[begin..begin + letters];
                assert_eq!(found(service, word).await, [id], "{word} at {begin}");
                let wrong = format!("{}{}", &word[..letters - 1], '7');
                assert_eq!(found(service, &wrong).await, [0; 0], "{wrong} at {begin}");
            }
        }
    }

    async fn as_many_words_as_a_search_can_have_are_asked_for(service: &Service) {
        let name = "aspirin \u{fdfa}";
        service.created(DRUGS, &json!({"name": name, "schedule_type": "as_needed", "package_size": 1})).await;
        for words in ["asp ".repeat(50), "\u{fdfa}".repeat(200), "\"".repeat(200)] {
            let is_found = !words.contains('"') && words.contains(' ');
            assert_eq!(found(service, &words).await.len(), usize::from(is_found), "{words}");
        }
    }
}

/// The negative control: an index that knows where texts begin and nothing of what is in them is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_lacks_pieces_is_noticed() {
    let service = Service::sqlite().await;
    let mut dice = Dice(3);
    some_drugs(&service, &mut dice).await;
    let tx = service.connection().begin().await.unwrap();
    for statement in [
        "INSERT INTO drugs_search (drugs_search) VALUES ('delete-all')",
        "INSERT INTO drugs_search (rowid, pieces) SELECT id, search_text FROM drugs",
    ] {
        tx.execute_unprepared(statement).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (successes, wrong) = searched(&service, &mut dice, 300).await;
    assert!(
        successes > 0 && wrong.len() > 100,
        "{successes} {}",
        wrong.len()
    );
}
