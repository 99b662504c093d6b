"""Every promise of the contracts 2 to 4, and every fault of the systems before, has tests that would have caught it."""

import subprocess
import sys

import pytest

from tests.running_service import PROJECT

ENDPOINT, LAYOUT, LEARNING = (f"contracts/test_{name}.py" for name in ("every_endpoint", "layout", "learning"))
CARD, VECTOR, CUSTOMER = (f"routes/test_{name}.py" for name in ("predict_fraud", "anomalies", "predict"))
INSERT, STORE, BATTERY = "routes/test_insert.py", "storage/test_score_store.py", "test_use_cases.py"
POPULATE, GROUPED = "test_populate_command.py", "features/test_grouped.py"
COMPARISON, GATE = "training/comparing/test_comparison.py", "training/proof/test_gate.py"
CHECK = f"{BATTERY}::test_battery["

PROMISES = {
    "cards: one object of 30 named numbers, answered with a prediction, 0 or 1": (
        f"{CARD}::test_a_transaction_has_the_thirty_columns_of_the_public_data_set",
        f"{CARD}::test_it_is_answered_with_prediction_probability_threshold_and_version",
        f"{CARD}::test_both_predictions_occur",
    ),
    "cards: the kinds are compared with one another, the forest's grid is searched": (
        f"{COMPARISON}::test_every_kind_has_figures_for_every_fold_best_average_precision_first",
        f"{COMPARISON}::test_the_grid_is_searched_on_the_choosing_rows_and_its_winner_is_named",
    ),
    "cards: the comparison and the confusion matrix are plotted": (
        f"{COMPARISON}::test_the_table_the_plot_and_the_json_hold_every_kind",
        "training/report/test_compared_page.py::test_every_kind_stands_in_the_table_and_in_the_plot_best_first",
        "training/report/test_page.py::test_the_confusion_matrix_holds_every_record_once",
    ),
    "cards: scaler and model are one pipeline, and that is what is served": (
        "training/exporting/test_exported.py::test_every_kind_agrees_on_rows_that_it_never_saw",
    ),
    "cards: a generator with the public columns, and the public file is read as it is": (
        "samples/test_card_transactions.py::test_the_columns_are_those_of_the_public_file",
        "samples/test_card_transactions.py::test_the_public_file_is_read_as_it_is",
    ),
    "anomalies: a vector is an inlier, 1, or not, -1, with the score where it is asked for": (
        f"{VECTOR}::test_a_vector_is_an_inlier_or_not_and_nothing_else_is_said",
        f"{VECTOR}::test_the_score_is_scikit_learns_under_both_spellings",
        f"{VECTOR}::test_the_misspelt_name_is_documented_as_deprecated",
    ),
    "anomalies: the parameters of the deployed model, its version, features and threshold": (
        f"{VECTOR}::test_the_deployed_model_is_told_by_its_parameters",
    ),
    "anomalies: an isolation forest of 100 trees, contamination 0.001, random state 16, on 64,227 rows": (
        f"{LEARNING}::test_the_parameters_of_the_contract_give_scikit_learns_scores_on_the_same_data",
        "model/test_isolation_forest.py::TestScores::test_are_those_of_scikit_learn_for_as_many_events_as_it_is_known_for",
        "samples/test_platform_activity.py::test_it_has_as_many_rows_as_the_known_table_and_deviations_are_not_below_zero",
    ),
    "purchases: single values or lists land in a table of a project, with their time: values inserted": (
        f"{INSERT}::TestWhatIsTaken::test_single_values_and_lists_are_inserted_and_read_back_from_every_database",
        f"{ENDPOINT}::test_what_was_stored_comes_back_as_a_page_of_the_same_shape",
    ),
    "purchases: grouped features by user, in the file of the contract": (
        f"{GROUPED}::test_what_is_paid_is_litres_times_price_for_every_customer_in_the_order_of_their_numbers",
        "test_features_command.py::test_it_writes_the_file_of_the_contract",
        "samples/test_purchases.py::test_premium_prices_and_litres_are_as_in_the_known_tables",
    ),
    "purchases: one customer is put into a class": (f"{CUSTOMER}::test_a_customer_gets_class_percentile_and_score",),
}
NEVER_AGAIN = {
    "cards: features by the order of the values, names ignored": (
        f"{CARD}::test_names_count_and_their_order_does_not",
        f"{CHECK}the_order_of_keys_does_not_matter-card_transactions]",
    ),
    "cards: the model unpickled on every request": (
        f"{LAYOUT}::test_a_request_opens_no_model",
        "test_architecture.py::test_nothing_reads_or_writes_pickles",
    ),
    "cards: every error an HTTP 200": (
        f"{CARD}::test_no_error_is_answered_with_200",
        f"{ENDPOINT}::test_what_cannot_be_read_is_an_error_by_its_status_and_in_one_shape",
        f"{ENDPOINT}::test_every_other_error_has_its_status_a_detail_and_a_code",
    ),
    "cards: 60 values answered as if 30": (
        f"{CARD}::test_what_is_not_one_transaction_is_refused",
        f"{CARD}::test_a_missing_and_an_unknown_name_are_refused_by_their_names",
    ),
    "cards: the scaler fitted on the test set": (
        f"{LEARNING}::test_scalers_have_seen_the_training_rows_of_the_fold_and_no_others",
        f"{COMPARISON}::test_what_judges_a_fold_changes_nothing_that_is_fitted",
    ),
    "cards: accuracy as the yardstick": (
        f"{LEARNING}::test_accuracy_is_no_yardstick_anywhere",
        f"{LEARNING}::test_a_model_that_is_right_on_nearly_every_row_and_knows_nothing_does_not_lead",
        f"{GATE}::test_a_constant_answer_does_not_pass",
    ),
    "cards: no probability, no threshold, no health check": (
        f"{CARD}::test_it_is_answered_with_prediction_probability_threshold_and_version",
        "routes/test_health.py",
    ),
    "anomalies: wrong length, [] and NaN were plain-text 500s": (
        f"{VECTOR}::test_what_is_no_vector_of_the_features_is_422_with_its_place",
        f"{CHECK}a_vector_of_another_length_is_refused-platform_activity]",
    ),
    "anomalies: a joblib pickle as the model": (
        "test_architecture.py::test_nothing_reads_or_writes_pickles",
        "model/test_bundle.py::test_a_pickle_is_never_opened",
        "training/isolating/test_forest_file.py::test_the_file_is_plain_json_with_siblings_side_by_side",
    ),
    "purchases: SQL injection through the name of the table": (
        f"{STORE}::TestNames::test_only_safe_names_reach_the_database",
        f"{STORE}::TestWriting::test_values_are_bound_and_never_part_of_a_statement",
        f"{INSERT}::TestPages::test_bad_names_are_refused_and_unknown_tables_are_404",
    ),
    "purchases: credentials in the code": (
        f"{LAYOUT}::test_no_password_is_written_down",
        "routes/test_insert_failures.py::test_a_password_reaches_neither_answer_nor_log",
    ),
    "purchases: no authentication, and no word about it": (
        f"{LAYOUT}::test_without_authentication_it_listens_to_this_machine_alone_and_the_docs_say_why",
    ),
    "purchases: lists of unequal length cut in silence": (
        f"{INSERT}::TestWhatIsRefused::test_what_does_not_fit_together_is_refused_in_its_place",
    ),
    "purchases: an id again was a 500 for all, or piled up": (
        f"{STORE}::TestWriting::test_of_an_id_that_comes_twice_the_last_one_counts",
        f"{STORE}::TestWriting::test_an_id_that_is_there_is_updated_and_the_others_stay",
    ),
    "purchases: the amount paid forgot the litres": (
        f"{GROUPED}::test_what_is_paid_is_litres_times_price_for_every_customer_in_the_order_of_their_numbers",
        f"{GROUPED}::test_it_is_what_a_plain_loop_gives",
    ),
    "purchases: joins that took hours": (f"{LEARNING}::test_fills_are_joined_without_a_loop_in_a_loop",),
    "purchases: ids stored and sorted as text": (
        f"{LAYOUT}::test_ids_are_integers_in_the_database_and_sorted_as_numbers",
    ),
    "purchases: only half of the customers stored": (
        f"{POPULATE}::test_every_customer_is_stored_with_the_score_that_the_service_gives",
        f"{POPULATE}::test_killed_between_two_batches_it_goes_on_after_the_last_that_was_stored",
    ),
    "purchases: outlier_prob was no probability": (
        f"{CHECK}percentiles_are_the_share_of_training_records_that_are_less_unusual-purchases]",
        f"{CUSTOMER}::test_a_customer_gets_class_percentile_and_score",
    ),
    "every endpoint: what is no finite number was scored, a typo was silence": (
        f"{ENDPOINT}::test_what_is_no_finite_number_is_refused_in_its_place",
        f"{ENDPOINT}::test_an_integral_float_is_an_integer_and_a_fraction_is_none",
        f"{ENDPOINT}::test_an_unknown_field_is_refused_by_its_name",
        f"{ENDPOINT}::test_what_works_is_answered_and_says_by_which_model",
    ),
    "every endpoint: a record outside the trained range was scored without a word": tuple(
        f"{CHECK}a_value_outside_the_trained_range_is_scored_and_said_so-{name}]"
        for name in ("card_transactions", "platform_activity", "purchases")
    ),
}
NAMED = PROMISES | NEVER_AGAIN


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """Every test of the files that are named, as pytest finds them: whole, and without what it is asked with."""
    names = sorted({f"tests/{test.partition('::')[0]}" for tests in NAMED.values() for test in tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--no-header", "-p", "no:cacheprovider", *names]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:]
    tests = [line.removeprefix("tests/") for line in found.stdout.splitlines() if "::" in line]
    return {known for test in tests for known in (test, test.partition("[")[0], test.partition("::")[0])}


@pytest.mark.parametrize("line", NAMED)
def test_the_tests_that_are_named_for_it_are_collected(line: str, collected: set[str]) -> None:
    assert NAMED[line]
    assert [test for test in NAMED[line] if test not in collected] == []


def test_a_test_that_nobody_wrote_would_be_missed(collected: set[str]) -> None:
    assert f"{CARD}::test_that_nobody_wrote" not in collected
    assert f"{CHECK}the_order_of_keys_does_not_matter-nobodys_use_case]" not in collected
