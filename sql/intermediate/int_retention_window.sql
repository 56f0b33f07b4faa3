-- int_retention_window: recurring revenue of a partner's customers a year before each snapshot and at it (M29).
-- grain: partner x snapshot with recurring revenue a year before
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner that managed or sold the subscription at the start
-- snapshot_on DATE: snapshot
-- customers BIGINT: customers with recurring revenue from the partner's subscriptions at the start
-- mrr_start DECIMAL(18,4): their monthly recurring revenue then, from all their subscriptions
-- mrr_end DECIMAL(18,4): the same customers' monthly recurring revenue at the snapshot
-- note: new customers are out, lost ones count as zero; both ends are converted at the start's rate (G3)
-- note: the cohort is one of customers: who has subscriptions through two partners is in the cohort of each, with all of
--   its revenue at both ends
WITH changes AS (
    SELECT
        c.subscription_id,
        c.customer_key,
        c.partner_id,
        c.effective_at,
        c.seq,
        c.mrr,
        c.currency,
        CAST(((c.effective_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS day,
        CAST(((c.known_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS known_on
    FROM canonical.subscription_change AS c
    CROSS JOIN run_settings AS s
    WHERE NOT c._deleted AND c.effective_at < s.as_of_end
),

ends AS (
    SELECT snapshot_on, snapshot_on AS before_on, TRUE AS is_end FROM intermediate.int_snapshot WHERE is_health
    UNION ALL
    SELECT snapshot_on, snapshot_on - 365 AS before_on, FALSE AS is_end FROM intermediate.int_snapshot WHERE is_health
),

subscriptions AS (
    SELECT ends.snapshot_on, ends.is_end, changes.*
    FROM ends
    INNER JOIN changes ON changes.day < ends.before_on AND changes.known_on <= ends.snapshot_on
    QUALIFY row_number() OVER (
        PARTITION BY ends.snapshot_on, ends.is_end, changes.subscription_id
        ORDER BY changes.effective_at DESC, changes.seq DESC
    ) = 1
),

converted AS (
    SELECT
        subscriptions.snapshot_on,
        subscriptions.is_end,
        subscriptions.customer_key,
        subscriptions.partner_id,
        CAST(round(subscriptions.mrr / fx.rate, 4) AS DECIMAL(18, 4)) AS mrr_base
    FROM subscriptions
    ASOF INNER JOIN intermediate.int_fx AS fx
        ON subscriptions.currency = fx.currency AND subscriptions.snapshot_on - 365 >= fx.valid_from
    WHERE coalesce(fx.valid_to > subscriptions.snapshot_on - 365, TRUE)
),

cohorts AS (
    SELECT snapshot_on, partner_id, customer_key
    FROM converted
    WHERE NOT is_end AND partner_id IS NOT NULL
    GROUP BY snapshot_on, partner_id, customer_key
    HAVING sum(mrr_base) > 0
),

customers AS (
    SELECT
        snapshot_on,
        customer_key,
        sum(mrr_base) FILTER (WHERE NOT is_end) AS mrr_start,
        coalesce(sum(mrr_base) FILTER (WHERE is_end), 0) AS mrr_end
    FROM converted
    GROUP BY snapshot_on, customer_key
),

final AS (
    SELECT
        cohorts.partner_id,
        cohorts.snapshot_on,
        count(*) AS customers,
        CAST(sum(customers.mrr_start) AS DECIMAL(18, 4)) AS mrr_start,
        CAST(sum(customers.mrr_end) AS DECIMAL(18, 4)) AS mrr_end
    FROM cohorts
    INNER JOIN customers
        ON cohorts.snapshot_on = customers.snapshot_on AND cohorts.customer_key = customers.customer_key
    GROUP BY cohorts.partner_id, cohorts.snapshot_on
)

SELECT * FROM final
