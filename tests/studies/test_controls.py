"""The controls of a referee: each changes one thing."""

from utils.studies import controls, uncertain_place

CONTROL, ATTENDED = map(uncertain_place.trained_long, uncertain_place.HEADLINE)


def test_each_control_differs_from_its_network_in_one_thing():
    of_display = {"display", "attention", "attention_parameters", "learning_rate"}
    allowed = of_display | {
        "looks_at",
        "acts_on",
        "read_out",
        "yoked",
    }
    for tuned in controls.NETWORKS:
        run = tuned.spec.to_json()
        nearest = min(
            (
                uncertain_place.arm(each).spec.to_json()
                for each in uncertain_place.HEADLINE
            ),
            key=lambda other: sum(run[name] != other[name] for name in run),
        )
        changed = {name for name in run if run[name] != nearest[name]}
        assert changed <= allowed | {"keeps_weights"}, tuned.label
        assert len(changed - {"learning_rate", "keeps_weights"}) in (1, 2), tuned.label
