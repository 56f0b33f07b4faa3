-- health_weights_sum_to_100: the weights of each stage sum to 100, and activity weighs at most 30 where partners should sell.
-- severity: warning
-- table: score_partner_health
-- next: correct the weights of these stages in the configuration
WITH sums AS (
    SELECT
        weight.stage,
        sum(weight.weight) AS total_weight,
        coalesce(sum(weight.weight) FILTER (WHERE kind.is_activity), 0) AS activity_weight
    FROM intermediate.int_health_weight AS weight
    INNER JOIN intermediate.int_health_signal_kind AS kind ON weight.signal = kind.signal
    GROUP BY weight.stage
)

SELECT stage, total_weight, activity_weight
FROM sums
WHERE total_weight <> 100 OR (stage IN ('sell', 'grow') AND activity_weight > 30)
