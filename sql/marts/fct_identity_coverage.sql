-- fct_identity_coverage: how much of each export is known to belong to a partner, in records and in money.
-- grain: canonical table x source
-- key: table_name, source
-- table_name VARCHAR: canonical table; engagement_event for portal and learning events
-- source VARCHAR: configured name of the source instance
-- records BIGINT: records that are not deleted
-- referring_records BIGINT: records that name a partner, or a person who is not one of ours
-- resolved_records BIGINT: those whose partner is known
-- unresolved_records BIGINT: those whose partner nobody knows; they count for nobody
-- resolved_share DOUBLE: resolved of referring records; null where none refers
-- referring_amount DECIMAL(18,4): money of the referring records in the reporting currency, at the rate of the as-of date
-- resolved_amount DECIMAL(18,4): money of those whose partner is known
-- resolved_amount_share DOUBLE: resolved of referring money; null where the table has none
-- is_low BOOLEAN: one of the two shares is below identity.coverage_min
-- note: unresolved_reference lists what is not known, with candidates; rows in partner_identity make it known
WITH sums AS (
    SELECT
        table_name,
        source,
        sum(records) AS records,
        sum(records) FILTER (WHERE ref <> '') AS referring_records,
        sum(records) FILTER (WHERE ref <> '' AND is_resolved) AS resolved_records,
        sum(amount_base) FILTER (WHERE ref <> '') AS referring_amount,
        sum(amount_base) FILTER (WHERE ref <> '' AND is_resolved) AS resolved_amount
    FROM intermediate.int_reference_use
    GROUP BY table_name, source
),

counted AS (
    SELECT
        table_name,
        source,
        records,
        coalesce(referring_records, 0) AS referring_records,
        coalesce(resolved_records, 0) AS resolved_records,
        referring_amount,
        CASE WHEN referring_amount IS NOT NULL THEN coalesce(resolved_amount, 0) END AS resolved_amount
    FROM sums
),

final AS (
    SELECT
        counted.table_name,
        counted.source,
        CAST(counted.records AS BIGINT) AS records,
        CAST(counted.referring_records AS BIGINT) AS referring_records,
        CAST(counted.resolved_records AS BIGINT) AS resolved_records,
        CAST(counted.referring_records - counted.resolved_records AS BIGINT) AS unresolved_records,
        counted.resolved_records / nullif(counted.referring_records, 0) AS resolved_share,
        CAST(counted.referring_amount AS DECIMAL(18, 4)) AS referring_amount,
        CAST(counted.resolved_amount AS DECIMAL(18, 4)) AS resolved_amount,
        CAST(counted.resolved_amount AS DOUBLE) / nullif(CAST(counted.referring_amount AS DOUBLE), 0) AS resolved_amount_share,
        coalesce(counted.resolved_records / nullif(counted.referring_records, 0) < s.identity_coverage_min, FALSE)
        OR coalesce(
            CAST(counted.resolved_amount AS DOUBLE)
            / nullif(CAST(counted.referring_amount AS DOUBLE), 0) < s.identity_coverage_min,
            FALSE
        ) AS is_low
    FROM counted
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
