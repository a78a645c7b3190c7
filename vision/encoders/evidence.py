"""Joins the networks: detections and class activations become one list of seen objects, each counted once.

In: detections of a fine and of a coarse look at the picture, the classifier's logits per cell, detections of everyday
things. Out: `SeenObject`s with evidence 0..1. Pure functions on numpy arrays, any thread.

What the classifier alone is sure of is added, confirms what the detector has counted (and never adds to it), or renames
doubtful detections in the same place: an eagle that the detector calls a dog. What kind of road vehicle a detection is,
it tells from the cells behind the box, better than the detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vision.encoders.calibration import MIN_EVIDENCE, classifier_probability
from vision.encoders.class_activation import (
    ConceptProbabilities,
    activation_box,
    box_probabilities,
    picture_probabilities,
)
from vision.encoders.concepts import CONCEPTS
from vision.encoders.detections import Detection
from vision.encoders.looks import detected_objects
from vision.encoders.seen import BROADER, SeenObject, lowered, seen_object

__all__ = ["join_evidence"]

FloatArray = NDArray[np.float32]

MAX_PICTURE_CONCEPTS = 3  # of what the classifier alone names
COUNTED_EVIDENCE = 0.1  # a detection with less is not yet something that the classifier could confirm
NAMED_EVIDENCE = 0.5  # the classifier must be this sure to rename
SURE = 0.8  # a detection this probable is not renamed by an opinion about another kind of thing
MIN_RENAMED_AREA = 0.02  # the classifier looks at the whole picture and does not see smaller things
NARROWER_SHARE = 0.6  # a narrower concept (eagle) with this share of the broader one's mass (bird) is the better name

# In none of 31 labelled pictures of large people without animals does the classifier give more than 0.21 to all animals
# together; in pictures of animals more than 0.4 is the rule.
PEOPLES_ANIMAL_MASS, ANIMALS_ANIMAL_MASS = 0.25, 0.40
MIN_DOUBTED_AREA = 0.08
# Log odds that a person loses at 0.4 and above. These pictures would bear almost log(32), 3.5; by hand it is so little
# that one who scores 0.85 keeps 0.32, since somebody may hold a dog that the detector does not see.
ANIMAL_DOUBT = 2.5
EXPLAINING_EVIDENCE = 0.4  # an animal that the memory would call present

# Cars, buses and trucks: the classifier's word counts where it gives one of them this much of the cells behind the box.
# In the labelled pictures it was right in all seven such scenes, the detector in five.
ROAD_VEHICLES = tuple(index for index, concept in enumerate(CONCEPTS) if concept.name in ("car", "bus", "truck"))
TOLD_SHARE = 0.8
MIN_TOLD_CELLS = 0.5  # a smaller box is less than its cell shows

_is_animal = np.array([concept.kind == "animal" for concept in CONCEPTS])
# Detections that can be something else as a whole; furniture, vessels and devices rather hold it.
_MISTAKABLE = frozenset({"person", "animal", "vehicle", "food", "sport", "nature", "other"})
_WHOLE_THINGS = frozenset({"animal", "vehicle", "food", "nature", "instrument"})


def join_evidence(
    fine: Sequence[Detection],
    coarse: Sequence[Detection],
    logits: FloatArray,
    everyday: Sequence[Detection] | None = None,
) -> list[SeenObject]:
    """All that is seen in one picture, strongest evidence first. logits: float32 [h, w, 1000], per cell; everyday:
    what the second detector sees, None where it did not look."""
    picture = picture_probabilities(logits)
    objects = [_told_vehicle(seen, logits) for seen in detected_objects(fine, coarse, everyday)]
    objects = _doubt_people(objects, float(picture.own[_is_animal].sum()))
    for concept in picture_concepts(picture):
        probability = classifier_probability(concept, float(picture.total[concept]), float(picture.strongest[concept]))
        whole = seen_object(concept, probability, activation_box(logits, concept), "classifier")
        objects = _join_one(objects, whole)
    kept = [seen for seen in objects if seen.evidence >= MIN_EVIDENCE]
    return sorted(kept, key=lambda seen: -seen.evidence)


def picture_concepts(picture: ConceptProbabilities) -> list[int]:
    """The concepts of the whole picture worth a look, likeliest first; of bird and eagle only one."""
    chosen = []
    for concept in (int(index) for index in np.argsort(-picture.total)[: 3 * MAX_PICTURE_CONCEPTS]):
        if not CONCEPTS[concept].imagenet:
            continue
        broader = BROADER[concept]
        if broader >= 0 and picture.own[concept] < NARROWER_SHARE * picture.total[broader]:
            continue
        narrower = [index for index in range(len(CONCEPTS)) if BROADER[index] == concept]
        if any(picture.own[index] >= NARROWER_SHARE * picture.total[concept] for index in narrower):
            continue
        chosen.append(concept)
    return chosen[:MAX_PICTURE_CONCEPTS]


def _told_vehicle(seen: SeenObject, logits: FloatArray) -> SeenObject:
    """A road vehicle under the name that the classifier is sure of."""
    if seen.concept not in ROAD_VEHICLES or seen.area * logits.shape[0] * logits.shape[1] < MIN_TOLD_CELLS:
        return seen
    within = box_probabilities(logits, (seen.cx, seen.cy, seen.w, seen.h)).total
    told = max(ROAD_VEHICLES, key=lambda concept: float(within[concept]))
    if told == seen.concept or within[told] < TOLD_SHARE:
        return seen
    return replace(seen, concept=told, origin="renamed")


def _doubt_people(objects: list[SeenObject], animal_mass: float) -> list[SeenObject]:
    """Large people become less probable where the classifier sees some animal that no detection explains."""
    excess = (animal_mass - PEOPLES_ANIMAL_MASS) / (ANIMALS_ANIMAL_MASS - PEOPLES_ANIMAL_MASS)
    is_explained = any(seen.kind == "animal" and seen.evidence >= EXPLAINING_EVIDENCE for seen in objects)
    if excess <= 0.0 or is_explained:
        return objects
    return [
        lowered(seen, ANIMAL_DOUBT * min(excess, 1.0))
        if seen.kind == "person" and seen.area >= MIN_DOUBTED_AREA
        else seen
        for seen in objects
    ]


def _join_one(objects: list[SeenObject], whole: SeenObject) -> list[SeenObject]:
    counted = [seen for seen in objects if _is_family(seen, whole) and seen.evidence >= COUNTED_EVIDENCE]
    if counted:
        return _confirm(objects, counted, whole)
    if whole.evidence < COUNTED_EVIDENCE:
        return objects
    mistaken = [seen for seen in objects if _is_mistaken(seen, whole)]
    if mistaken:
        place = max(mistaken, key=lambda seen: seen.area)
        whole = replace(whole, cx=place.cx, cy=place.cy, w=place.w, h=place.h, origin="renamed")
        objects = [seen for seen in objects if not any(seen is other for other in mistaken)]
    elif any(_explains(seen, whole) for seen in objects):
        return objects
    return [*objects, whole]


def _confirm(objects: list[SeenObject], counted: list[SeenObject], whole: SeenObject) -> list[SeenObject]:
    """The best of the counted ones gets the higher evidence; all get the narrower name if the classifier is sure."""
    best = max(counted, key=lambda seen: seen.evidence)
    confirmed = []
    for seen in objects:
        if seen is best and whole.evidence > seen.evidence:
            seen = replace(seen, evidence=whole.evidence, probability=max(seen.probability, whole.probability))
        if seen.concept == BROADER[whole.concept] and whole.evidence >= NAMED_EVIDENCE:
            seen = replace(seen, concept=whole.concept, origin="renamed")
        confirmed.append(seen)
    return confirmed


def _is_family(seen: SeenObject, whole: SeenObject) -> bool:
    """Whether both name the same, one more narrowly than the other perhaps."""
    return whole.concept in (seen.concept, BROADER[seen.concept]) or seen.concept == BROADER[whole.concept]


def _is_mistaken(seen: SeenObject, whole: SeenObject) -> bool:
    """Whether a detection is the thing that the classifier, being surer, calls by another name."""
    if seen.area < MIN_RENAMED_AREA or seen.probability >= whole.probability or whole.evidence < NAMED_EVIDENCE:
        return False
    if not seen.covers(whole):
        return False
    if seen.kind == whole.kind:
        return True
    return seen.kind in _MISTAKABLE and whole.kind in _WHOLE_THINGS and seen.probability < SURE


def _explains(seen: SeenObject, whole: SeenObject) -> bool:
    """Whether a surer detection of the same kind is what the classifier misnames."""
    return seen.kind == whole.kind and seen.probability >= whole.probability and seen.covers(whole)
