-- partner: the newest version of one partner record of one source.
-- grain: one partner organisation per source record
-- key: partner_id
-- partner_id VARCHAR
-- name VARCHAR
-- parent_partner_id VARCHAR: organisation that this one belongs to, resolved through partner_reference; null where
--   unresolved
-- parent_partner_ref VARCHAR: organisation that this one belongs to, as exported
-- partner_type VARCHAR
-- partner_type_raw VARCHAR
-- status VARCHAR
-- status_raw VARCHAR
-- segment VARCHAR
-- program_code VARCHAR: by its name in the code map; where the record has none, that of the newest partner_history
-- tier_code VARCHAR: known in the same way
-- tier_rank BIGINT: known in the same way
-- region VARCHAR
-- country VARCHAR
-- domain VARCHAR
-- owner_key VARCHAR
-- owner_name VARCHAR
-- joined_on DATE
-- terminated_on DATE
-- exit_reason VARCHAR
-- merged_into_partner_id VARCHAR: survivor of a merge, on the losing record, resolved through partner_reference; null
--   where unresolved
-- merged_into_partner_ref VARCHAR: survivor of a merge, on the losing record, as exported
-- employee_count BIGINT
-- is_test BOOLEAN
-- source_modified_at TIMESTAMP
-- known_at TIMESTAMP: when we knew of it: first receipt, or the record's own time where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
-- note: a merged-away record stays, its facts belong to the survivor; dim_partner has the survivors
WITH versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND name IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND name IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.partner
    WINDOW record AS (PARTITION BY partner_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(CAST(joined_on AS TIMESTAMP), source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, CAST(joined_on AS TIMESTAMP))
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY partner_id
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
    SELECT ref, partner_id FROM canonical.partner_reference WHERE is_current
),

codes AS (
    SELECT source, domain, raw_value, canonical, "order" AS rank
    FROM canonical.code_map
    WHERE domain IN ('tier', 'program') AND NOT _deleted
),

tier_names AS (
    SELECT source, canonical AS tier_code, min(rank) AS rank FROM codes WHERE domain = 'tier' GROUP BY source, canonical
),

-- What other objects than the partner's own record say of it at the as-of date.
standings AS (
    SELECT history.partner_id, history.attribute, history.value, history.rank
    FROM canonical.partner_history AS history
    CROSS JOIN run_settings AS s
    WHERE
        history.attribute IN ('tier', 'program')
        AND history.basis <> 'backfilled'
        AND NOT history._deleted
        AND history.valid_from < s.as_of_end
        AND coalesce(history.valid_to >= s.as_of_end, TRUE)
    QUALIFY row_number() OVER (
        PARTITION BY history.partner_id, history.attribute ORDER BY history.valid_from DESC, history.partner_ref
    ) = 1
),

final AS (
    SELECT
        newest.partner_id,
        newest.name,
        parent_partner_identity.partner_id AS parent_partner_id,
        newest.parent_partner_id AS parent_partner_ref,
        newest.partner_type,
        newest.partner_type_raw,
        newest.status,
        newest.status_raw,
        newest.segment,
        coalesce(program_name.canonical, newest.program_code, program.value) AS program_code,
        coalesce(tier_code.canonical, newest.tier_code, tier.value) AS tier_code,
        coalesce(
            newest.tier_rank,
            CASE WHEN newest.tier_code IS NULL THEN tier.rank ELSE coalesce(tier_code.rank, tier_name.rank) END
        ) AS tier_rank,
        newest.region,
        newest.country,
        newest.domain,
        newest.owner_key,
        newest.owner_name,
        newest.joined_on,
        newest.terminated_on,
        newest.exit_reason,
        merged_into_partner_identity.partner_id AS merged_into_partner_id,
        newest.merged_into_partner_id AS merged_into_partner_ref,
        newest.employee_count,
        newest.is_test,
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
    LEFT JOIN codes AS tier_code
        ON newest._source = tier_code.source AND tier_code.domain = 'tier' AND newest.tier_code = tier_code.raw_value
    LEFT JOIN codes AS program_name
        ON newest._source = program_name.source AND program_name.domain = 'program' AND newest.program_code = program_name.raw_value
    LEFT JOIN tier_names AS tier_name ON newest._source = tier_name.source AND newest.tier_code = tier_name.tier_code
    LEFT JOIN standings AS tier ON newest.partner_id = tier.partner_id AND tier.attribute = 'tier'
    LEFT JOIN standings AS program ON newest.partner_id = program.partner_id AND program.attribute = 'program'
    LEFT JOIN identities AS parent_partner_identity ON newest.parent_partner_id = parent_partner_identity.ref
    LEFT JOIN identities AS merged_into_partner_identity ON newest.merged_into_partner_id = merged_into_partner_identity.ref
)

SELECT * FROM final
