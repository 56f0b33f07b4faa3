-- opportunity_stage_event: one recorded change of a deal, with the meaning of its stage.
-- grain: one recorded change of a deal
-- key: opportunity_id, changed_at, seq
-- opportunity_id VARCHAR
-- changed_at TIMESTAMP
-- seq BIGINT
-- pipeline VARCHAR
-- from_stage VARCHAR: stage before, as exported, else the stage of the change before
-- to_stage VARCHAR
-- stage_class VARCHAR: what the stage after means, by stage_map, else as exported
-- stage_class_raw VARCHAR
-- amount DECIMAL(18,4)
-- expected_close_on DATE
-- probability DOUBLE
-- basis VARCHAR
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
        _deleted AND to_stage IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND to_stage IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.opportunity_stage_event
    WINDOW record AS (PARTITION BY opportunity_id, changed_at, seq)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(changed_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, changed_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY opportunity_id, changed_at, seq
        ORDER BY
            is_absence,
            coalesce(_loaded_at > absent_at, TRUE) DESC,
            _loaded_at DESC,
            _file DESC,
            _row DESC,
            _preset DESC,
            _row_hash DESC
    ) = 1
),

ordered AS (
    SELECT
        *,
        lag(to_stage) OVER (PARTITION BY opportunity_id, is_deleted ORDER BY changed_at, seq) AS stage_before
    FROM newest
),

final AS (
    SELECT
        newest.opportunity_id,
        newest.changed_at,
        newest.seq,
        newest.pipeline,
        coalesce(newest.from_stage, newest.stage_before) AS from_stage,
        newest.to_stage,
        coalesce(in_pipeline.stage_class, in_any.stage_class, newest.stage_class) AS stage_class,
        newest.stage_class_raw,
        newest.amount,
        newest.expected_close_on,
        newest.probability,
        newest.basis,
        newest.known_at,
        newest._source,
        newest._file,
        newest._file_sha256,
        newest._row,
        newest._loaded_at,
        newest._extra,
        newest.is_deleted AS _deleted
    FROM ordered AS newest
    LEFT JOIN canonical.stage_map AS in_pipeline
        ON
            newest._source = in_pipeline.source
            AND newest.pipeline = in_pipeline.pipeline
            AND newest.to_stage = in_pipeline.stage
    LEFT JOIN canonical.stage_map AS in_any
        ON newest._source = in_any.source AND newest.to_stage = in_any.stage AND in_any.pipeline = ''
)

SELECT * FROM final
