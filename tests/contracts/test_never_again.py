"""Every promise of the contracts 2 to 5, and every fault of the systems before, has tests that would have caught it."""

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
LIVE, ORDERS, FIND = "routes/test_orders.py", "contracts/test_orders.py", "routes/test_find.py"
RUNS, SERVICE, ROWS, TRAIN = (
    f"pipeline/test_{name}.py" for name in ("runs", "service", "training_data_step", "train_step")
)
SAMPLE_ORDERS, RESTORED = "samples/test_orders.py", "routes/test_histories_restored.py"
PARITY = (
    "orders/test_parity.py::test_pipeline_and_live_service_give_the_same_bytes_although_redis_is_emptied_once",
    "orders/test_replay.py::test_the_last_month_live_is_what_the_pipeline_says_of_it",
)

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
    "orders: one call makes sample orders and runs the pipeline, another starts from raw ones; the run is watched": (
        f"{SERVICE}::test_a_run_is_answered_at_once_with_its_address_and_then_done",
        f"{SERVICE}::test_raw_orders_are_taken_from_their_folder_and_from_nowhere_else",
        f"{SERVICE}::test_a_run_is_watched_until_it_ends",
    ),
    "orders: sample orders, a file a month, with the columns and shares of the contract": (
        f"{SAMPLE_ORDERS}::test_a_file_has_the_columns_of_the_contract",
        f"{SAMPLE_ORDERS}::test_an_email_has_one_customer_and_one_home_and_a_tenth_of_orders_come_from_elsewhere",
        f"{SAMPLE_ORDERS}::test_amounts_are_cents_up_to_1000_and_customers_differ_more_than_their_orders",
    ),
    "orders: twenty features from the last ten orders of customer and e-mail": (
        f"{ORDERS}::test_the_twenty_features_of_the_contract_are_among_those_of_the_model",
        "pipeline/test_features_step.py::test_every_row_has_the_features_of_the_whole_table",
        "features/test_histories.py::test_a_stream_gives_what_a_loop_over_lists_gives",
    ),
    "orders: a model from thinned rows, judged on the most recent orders, promoted above a configured score": (
        f"{ROWS}::test_only_training_rows_without_fraud_are_thinned_and_weights_make_up_for_it",
        f"{ROWS}::test_the_newest_rows_judge_after_a_gap",
        f"{TRAIN}::test_sample_orders_become_a_champion_that_is_told_beside_the_best_possible",
        f"{TRAIN}::test_a_model_below_what_a_run_asks_for_is_not_promoted",
    ),
    "orders: the latest state of every customer and e-mail goes into Redis": (
        "pipeline/test_load_histories_step.py::test_files_hold_what_a_store_would_that_saw_everything_arrive",
        "pipeline/test_load_histories_step.py::test_redis_is_filled_and_a_second_time_changes_nothing",
    ),
    "orders: known customers are found by what their ids begin with": (
        f"{FIND}::test_customers_are_listed_in_the_order_of_their_ids_as_text_page_by_page",
        f"{FIND}::test_an_order_is_listed_as_it_was_sent",
    ),
    "orders: a live order is answered with itself, its features and whether it is fraud": (
        f"{LIVE}::test_an_unknown_customer_is_scored_and_said_to_be_unknown",
        f"{LIVE}::test_the_second_order_of_a_customer_shows_the_first",
        f"{LIVE}::test_an_order_may_say_where_it_came_from_and_need_not",
    ),
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
NEVER_AGAIN |= {
    "orders: live features differed from training features": PARITY,
    "orders: the last ten were de-duplicated and unordered, same and known were stale": (
        *PARITY,
        "features/test_histories.py::test_entries_of_a_store_give_what_the_stream_gave",
        f"{LIVE}::test_orders_of_one_request_see_each_other_in_the_order_of_their_events",
    ),
    "orders: the current order sat inside its own history": (
        f"{LIVE}::test_an_order_is_no_part_of_its_own_history",
        "features/test_remembering.py::test_a_payment_sees_only_what_happened_before_it_and_had_arrived",
    ),
    "orders: state was never updated by the orders that came in": (
        f"{LIVE}::test_the_second_order_of_a_customer_shows_the_first",
        f"{LIVE}::test_orders_from_many_connections_at_once_are_all_remembered",
        f"{RESTORED}::TestAway::test_orders_are_scored_as_if_nothing_were_known_and_remembered_once_redis_is_back",
    ),
    "orders: unknown customers were 404": (f"{LIVE}::test_an_unknown_customer_is_scored_and_said_to_be_unknown",),
    "orders: a model that always says fraud passed the gate": (
        f"{GATE}::test_always_saying_fraud_does_not_pass_however_common_fraud_is",
        f"{GATE}::test_a_model_that_learned_nothing_is_published_but_does_not_lead",
        f"{TRAIN}::test_a_run_may_ask_for_more_than_the_use_case_demands_and_not_for_less",
    ),
    "orders: validation rows were drawn at random and sat in the training set": (
        f"{ROWS}::test_the_newest_rows_judge_after_a_gap",
        f"{ROWS}::test_labels_that_are_not_known_yet_are_not_used",
    ),
    "orders: a failed gate crashed": (f"{ORDERS}::test_a_failed_gate_is_reported_and_ends_no_run",),
    "orders: a failed step stopped the pipeline without a trace": (
        f"{RUNS}::test_an_error_ends_a_run_and_is_told_with_its_step",
        f"{SERVICE}::test_an_error_is_told_with_its_step_and_the_next_run_begins",
    ),
    "orders: pickles in Redis": (
        f"{ORDERS}::test_nothing_that_a_run_or_a_service_leaves_behind_is_a_pickle",
        "storage/histories/test_unreadable.py::test_what_is_no_history_of_this_declaration_is_refused",
        "test_architecture.py::test_nothing_reads_or_writes_pickles",
    ),
    "orders: raw ids as keys, shared with everything else": (
        f"{ORDERS}::test_keys_in_redis_have_a_prefix_of_ours_and_no_id",
        f"{LIVE}::test_nobody_is_named_in_redis_or_in_the_log",
    ),
    "orders: no seeds": (
        f"{SAMPLE_ORDERS}::test_a_file_is_the_same_whichever_others_are_made_and_in_which_process",
        "pipeline/test_features_step.py::test_the_order_of_the_work_and_the_hash_seed_change_no_byte",
        f"{TRAIN}::test_the_same_rows_give_the_same_model",
    ),
    "orders: re-runs mixed old files with new": (
        f"{RUNS}::test_other_parameters_make_only_what_depends_on_them",
        f"{RUNS}::test_raw_orders_stand_for_the_sample_and_changed_ones_are_other_ones",
        "pipeline/test_outputs.py::test_what_was_begun_and_removed_is_never_made_whole",
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
