-- fct_cosell_affinity: which product families are bought together more often than chance explains (M24).
-- grain: window x pair of product families, item_a before item_b
-- key: basket_window, item_a, item_b
-- basket_window VARCHAR: trailing_24m (deals won in the 24 months up to the as-of date) or all_time
-- item_a VARCHAR: product family
-- item_b VARCHAR: other product family
-- n_ab BIGINT: baskets with both; a basket is a customer, or a deal without customer
-- n_a BIGINT: baskets with item_a
-- n_b BIGINT: baskets with item_b
-- n_baskets BIGINT: all baskets
-- support DOUBLE: n_ab / n_baskets
-- confidence_ab DOUBLE: n_ab / n_a: of those who have item_a, how many have item_b
-- confidence_ba DOUBLE: n_ab / n_b
-- lift DOUBLE: support over that expected of independent families; favours rare ones, so sort by leverage
-- leverage DOUBLE: support less that expected of independent families
-- fisher_p DOUBLE: one-sided p of Fisher's exact test
-- q_value DOUBLE: p adjusted for the number of pairs (Benjamini-Hochberg)
-- is_reported BOOLEAN: at least 5 baskets, support at least 1 %, q at most 5 %
WITH final AS (
    SELECT
        basket_window,
        item_a,
        item_b,
        n_ab,
        n_a,
        n_b,
        n_baskets,
        support,
        confidence_ab,
        confidence_ba,
        lift,
        leverage,
        fisher_p,
        q_value,
        is_reported
    FROM score_cosell_affinity
)

SELECT * FROM final
