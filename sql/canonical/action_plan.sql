-- action_plan: the newest version of one mutual action plan.
-- grain: one mutual action plan of a deal
-- key: plan_id
-- plan_id VARCHAR
-- opportunity_id VARCHAR
-- created_at TIMESTAMP
-- steps_total BIGINT
-- steps_partner BIGINT
-- steps_vendor BIGINT
-- steps_late BIGINT
-- source_modified_at TIMESTAMP
-- known_at TIMESTAMP: when we knew of it: first receipt, or the record's own time where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
WITH versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND created_at IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND created_at IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.action_plan
    WINDOW record AS (PARTITION BY plan_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(created_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, created_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY plan_id
        ORDER BY
            is_absence,
            coalesce(_loaded_at > absent_at, TRUE) DESC,
            source_modified_at DESC NULLS LAST,
            _loaded_at DESC,
            _file DESC,
            _row DESC,
            _preset DESC,
            _row_hash DESC
    ) = 1
),

final AS (
    SELECT
        newest.plan_id,
        newest.opportunity_id,
        newest.created_at,
        newest.steps_total,
        newest.steps_partner,
        newest.steps_vendor,
        newest.steps_late,
        newest.source_modified_at,
        newest.known_at,
        newest._source,
        newest._file,
        newest._file_sha256,
        newest._row,
        newest._loaded_at,
        newest._extra,
        newest.is_deleted AS _deleted
    FROM newest
)

SELECT * FROM final
