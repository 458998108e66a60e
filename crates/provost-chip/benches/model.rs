//! How fast the model steps, and how fast it finds a way back.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use divan::{Bencher, black_box, counter::ItemsCount};
use provost_chip::{
    model::{
        Action, Chip, World,
        search::{Means, host_actions, way_to_open},
    },
    states::{ProductState, TrustZone},
};

fn main() {
    divan::main();
}

fn stuck() -> World {
    let mut chip = Chip::factory("STM32H533".parse().unwrap());
    (chip.state, chip.tz) = (ProductState::Provisioning, TrustZone::Enabled);
    World::new(chip)
}

/// Aim: more than 5 million steps a second on one core.
#[divan::bench]
fn steps(bencher: Bencher<'_, '_>) {
    let actions = host_actions(&Means { person: true, ..Means::default() });
    bencher.counter(ItemsCount::new(actions.len())).bench_local(|| {
        let mut world = black_box(stuck());
        for &action in &actions {
            black_box(world.step(action));
        }
        world
    });
}

#[divan::bench]
fn one_step(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(1u32))
        .with_inputs(stuck)
        .bench_local_values(|mut world| world.step(black_box(Action::WriteProductState(ProductState::Open))));
}

#[divan::bench]
fn search_for_the_way_back(bencher: Bencher<'_, '_>) {
    let actions = host_actions(&Means::default());
    bencher.bench_local(|| way_to_open(black_box(stuck()), &actions));
}
