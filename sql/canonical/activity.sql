-- activity: the newest version of one human touchpoint, with its partner resolved.
-- grain: one human touchpoint
-- key: activity_id
-- activity_id VARCHAR
-- partner_id VARCHAR: partner, resolved through partner_reference; null where unresolved
-- partner_ref VARCHAR: partner, as exported
-- opportunity_id VARCHAR
-- kind VARCHAR
-- kind_raw VARCHAR
-- status VARCHAR
-- status_raw VARCHAR
-- scheduled_at TIMESTAMP
-- started_at TIMESTAMP
-- ended_at TIMESTAMP
-- duration_min BIGINT
-- owner_key VARCHAR
-- attendee_count BIGINT
-- customer_present BOOLEAN
-- subject VARCHAR
-- is_all_day BOOLEAN
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
        _deleted AND kind IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND kind IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.activity
    WINDOW record AS (PARTITION BY activity_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(started_at, scheduled_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, coalesce(started_at, scheduled_at))
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY activity_id
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

identities AS (
    SELECT ref, partner_id, valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM canonical.partner_reference
),

final AS (
    SELECT
        newest.activity_id,
        identity.partner_id,
        newest.partner_id AS partner_ref,
        newest.opportunity_id,
        newest.kind,
        newest.kind_raw,
        newest.status,
        newest.status_raw,
        newest.scheduled_at,
        newest.started_at,
        newest.ended_at,
        newest.duration_min,
        newest.owner_key,
        newest.attendee_count,
        newest.customer_present,
        newest.subject,
        newest.is_all_day,
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
    LEFT JOIN identities AS identity
        ON
            newest.partner_id = identity.ref
            AND coalesce(newest.started_at, newest.scheduled_at, TIMESTAMP '9999-01-01') >= identity.valid_from
            AND coalesce(newest.started_at, newest.scheduled_at, TIMESTAMP '9999-01-01') < identity.valid_to
)

SELECT * FROM final
