-- code_map: the newest version of one mapping of a source's code to ours.
-- grain: source x domain x raw value
-- key: source, domain, raw_value
-- source VARCHAR
-- domain VARCHAR
-- raw_value VARCHAR
-- canonical VARCHAR
-- order BIGINT
-- is_closed BOOLEAN
-- is_won BOOLEAN
-- known_at TIMESTAMP: when we knew of it: first receipt, or the record's own time where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
WITH named AS (
    SELECT
        * EXCLUDE (source),
        -- A mapping that ships with the program cannot know the source's configured name.
        CASE WHEN source = '.' THEN _source ELSE source END AS source
    FROM lake.code_map
),

versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND canonical IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND canonical IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM named
    WINDOW record AS (PARTITION BY source, domain, raw_value)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN TIMESTAMP '1970-01-01'
            ELSE first_seen_at
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY source, domain, raw_value
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

final AS (
    SELECT
        newest.source,
        newest.domain,
        newest.raw_value,
        newest.canonical,
        newest."order",
        newest.is_closed,
        newest.is_won,
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
