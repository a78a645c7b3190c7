"""Two networks, one list of things: nothing twice, nothing invented."""

import numpy as np
import pytest

from vision.encoders import CONCEPTS
from vision.encoders.detections import Detection
from vision.encoders.evidence import join_evidence
from vision.encoders.looks import detected_objects, match_looks, with_everyday, without_duplicates
from vision.encoders.seen import SeenObject, seen_object

INDEX_OF = {concept.name: index for index, concept in enumerate(CONCEPTS)}
NOTHING = np.zeros((9, 9, 1000), dtype=np.float32)


def box(name: str, score: float, cx: float = 0.5, cy: float = 0.5, w: float = 0.4, h: float = 0.4) -> Detection:
    return Detection(INDEX_OF[name], score, cx, cy, w, h)


def classified(**classes: float) -> np.ndarray:
    """Logits with the given probability for the first class of each concept, the rest spread over the other classes."""
    names = {name.replace("_", " "): probability for name, probability in classes.items()}
    rest = (1.0 - sum(names.values())) / (1000 - len(names))
    logits = np.full((9, 9, 1000), np.log(rest), dtype=np.float32)
    for name, probability in names.items():
        logits[..., CONCEPTS[INDEX_OF[name]].imagenet[0]] = np.log(probability)
    return logits


def evidence_of(seen: list[SeenObject]) -> dict[str, float]:
    total: dict[str, float] = {}
    for thing in seen:
        name = CONCEPTS[thing.concept].name
        total[name] = total.get(name, 0.0) + thing.evidence
    return total


def sure(seen: list[SeenObject]) -> set[str]:
    return {name for name, evidence in evidence_of(seen).items() if evidence >= 0.4}


def test_an_empty_picture_holds_nothing() -> None:
    assert join_evidence([], [], NOTHING) == []


def test_one_thing_seen_in_both_looks_counts_once() -> None:
    seen = join_evidence([box("dog", 0.7)], [box("dog", 0.65, w=0.42)], NOTHING)
    assert evidence_of(seen) == {"dog": pytest.approx(1.0, abs=0.05)}


def test_a_thing_of_one_look_is_less_sure_than_of_both() -> None:
    (both,) = detected_objects([box("dog", 0.5)], [box("dog", 0.5)])
    (fine,) = detected_objects([box("dog", 0.5)], [])
    (coarse,) = detected_objects([], [box("dog", 0.5)])
    assert both.probability > max(fine.probability, coarse.probability)


def test_looks_match_only_on_the_same_concept_and_place() -> None:
    matches = match_looks([box("dog", 0.5), box("cat", 0.4, cx=0.1, w=0.1)], [box("cat", 0.5)])
    assert len(matches) == 3


def test_a_cup_that_both_networks_see_is_one_cup_with_coffee() -> None:
    espresso = np.full((9, 9, 1000), np.log(0.1 / 999), dtype=np.float32)
    espresso[..., 967] = np.log(0.9)
    seen = join_evidence([box("cup", 0.6)], [box("cup", 0.5)], espresso)
    assert evidence_of(seen) == {"cup": pytest.approx(1.0, abs=0.05), "coffee": pytest.approx(1.0, abs=0.05)}


def test_a_cats_face_that_the_detector_calls_a_person_becomes_a_cat() -> None:
    face = box("person", 0.59, w=0.9, h=0.95)
    seen = join_evidence([face], [], classified(cat=0.73))
    assert sure(seen) == {"cat"}
    (cat,) = seen
    assert (cat.w, cat.h, cat.origin) == (0.9, 0.95, "renamed")


def test_a_sure_person_stays_beside_the_animal_that_the_classifier_names() -> None:
    person = box("person", 0.85, w=0.5, h=0.9)
    seen = join_evidence([person], [box("person", 0.8, w=0.5, h=0.9)], classified(dog=0.8))
    assert sure(seen) == {"person", "dog"}


def test_a_doubtful_person_goes_where_the_classifier_sees_animals_and_nothing_explains_them() -> None:
    rabbit = box("person", 0.6, w=0.5, h=0.55)
    looks = [rabbit], [box("person", 0.4, w=0.5, h=0.55)]
    assert "person" in sure(join_evidence(*looks, classified(box=0.6)))
    assert sure(join_evidence(*looks, classified(dog=0.15, bear=0.15, rabbit=0.15))) == set()


def test_a_dog_that_is_seen_explains_what_the_classifier_sees() -> None:
    both = [box("person", 0.6, cx=0.25, w=0.3, h=0.8), box("dog", 0.7, cx=0.75)]
    assert sure(join_evidence(both, both, classified(dog=0.3, bear=0.15))) == {"person", "dog"}


@pytest.mark.parametrize(
    ("told", "place", "names"), [(0.95, 0.5, {"truck"}), (0.5, 0.5, {"car"}), (0.95, 0.1, {"car"})]
)
def test_a_car_becomes_a_truck_where_the_classifier_is_sure_of_it_behind_the_box(
    told: float, place: float, names: set[str]
) -> None:
    logits = NOTHING.copy()
    logits[3:6, 3:6] = classified(truck=told)[0, 0]
    cars = [box("car", 0.7, cx=place, cy=place, w=0.15, h=0.15)]
    assert sure(join_evidence(cars, cars, logits)) == names


def test_a_car_smaller_than_half_a_cell_keeps_its_name() -> None:
    cars = [box("car", 0.8, w=0.07, h=0.07)]
    logits = NOTHING.copy()
    logits[4, 4] = classified(truck=0.95)[0, 0]
    assert sure(join_evidence(cars, cars, logits)) == {"car"}


def test_a_crowd_keeps_its_people() -> None:
    crowd = [box("person", 0.6, cx=0.1 + 0.1 * i, cy=0.5, w=0.06, h=0.3) for i in range(9)]
    seen = join_evidence(crowd, [box("person", 0.4, one.cx, one.cy, one.w, one.h) for one in crowd], NOTHING)
    assert evidence_of(seen)["person"] == pytest.approx(9, abs=1.5)


def test_weak_detections_do_not_add_up_to_an_object() -> None:
    bunting = [box("bird", 0.2, cx=0.05 + 0.1 * i, cy=0.1, w=0.04, h=0.04) for i in range(10)]
    assert evidence_of(join_evidence(bunting, bunting, NOTHING)).get("bird", 0.0) < 0.25


def test_birds_that_the_classifier_calls_ducks_are_all_ducks() -> None:
    birds = [box("bird", 0.7, cx=x, w=0.2, h=0.2) for x in (0.2, 0.5, 0.8)]
    seen = join_evidence(birds, birds, classified(duck=0.9))
    assert evidence_of(seen) == {"duck": pytest.approx(3.0, abs=0.2)}


def test_a_name_without_certainty_adds_nothing() -> None:
    assert sure(join_evidence([], [], classified(castle=0.25, tie=0.3))) == set()


def test_what_the_classifier_alone_is_sure_of_is_added_once() -> None:
    seen = join_evidence([], [], classified(lighthouse=0.9))
    assert evidence_of(seen) == {"lighthouse": pytest.approx(1.0, abs=0.05)}
    assert seen[0].origin == "classifier"


def test_a_sofa_is_not_renamed_by_the_dog_on_it() -> None:
    sofa = box("couch", 0.6, w=0.8, h=0.6)
    assert sure(join_evidence([sofa], [sofa], classified(dog=0.9))) == {"couch", "dog"}


def test_rival_names_for_one_box_leave_the_better() -> None:
    looks = [box("car", 0.7), box("truck", 0.5)]
    assert sure(join_evidence(looks, looks, NOTHING)) == {"car"}


def test_a_part_of_a_thing_is_not_another_thing() -> None:
    whole = seen_object(0, 0.9, (0.5, 0.5, 0.4, 0.8), "detector")
    head = seen_object(0, 0.7, (0.5, 0.3, 0.2, 0.35), "detector")
    neighbour = seen_object(0, 0.7, (0.8, 0.5, 0.3, 0.8), "detector")
    assert without_duplicates([whole, head, neighbour]) == [whole, neighbour]


def test_the_second_detector_makes_surer_what_it_shares_and_less_sure_what_it_does_not_see() -> None:
    (alone,) = detected_objects([box("chair", 0.4)], [box("chair", 0.4)])
    (shared,) = detected_objects([box("chair", 0.4)], [box("chair", 0.4)], [box("chair", 0.5)])
    (unseen,) = detected_objects([box("chair", 0.4)], [box("chair", 0.4)], [])
    assert shared.probability > alone.probability > unseen.probability


def test_what_the_second_detector_does_not_know_it_leaves_alone() -> None:
    (alone,) = detected_objects([box("zebra", 0.4)], [box("zebra", 0.4)])
    assert detected_objects([box("zebra", 0.4)], [box("zebra", 0.4)], []) == [alone]


def test_the_second_detector_names_what_the_first_has_no_word_for() -> None:
    seen = join_evidence([], [], NOTHING, [box("box", 0.55)])
    assert sure(seen) == {"box"}
    assert sure(join_evidence([], [], NOTHING, [box("box", 0.25)])) == set()


def test_its_one_word_for_cars_supports_vans_and_trucks_too() -> None:
    looks = [box("truck", 0.5)], [box("truck", 0.45)]
    (match,) = with_everyday(match_looks(*looks), [box("car", 0.6, w=0.45)])
    assert match.box.concept == INDEX_OF["truck"] and match.everyday == 0.6
    (unmatched,) = with_everyday(match_looks(*looks), [])
    assert unmatched.everyday is None


def test_a_part_of_what_is_surely_seen_is_no_other_thing() -> None:
    person = box("person", 0.8, w=0.3, h=0.9)
    head = box("person", 0.5, cy=0.15, w=0.1, h=0.15)
    assert len(with_everyday(match_looks([person], [person]), [head])) == 1


def test_specks_are_not_for_the_second_detector_to_decide() -> None:
    speck = box("person", 0.3, w=0.03, h=0.05)
    (alone,) = detected_objects([speck], [speck])
    (shared,) = detected_objects([speck], [speck], [speck])
    assert shared.probability == alone.probability
