-- person: the newest version of one partner-side person, with the partner that the person works for.
-- grain: one partner-side person per source account
-- key: person_id
-- person_id VARCHAR
-- partner_id VARCHAR: partner that the person works for at the as-of date, by person_partner; null where unresolved
-- partner_ref VARCHAR: partner that the person works for, as exported
-- partner_method VARCHAR: how the partner was found: exact_key, merge_alias, parent, person, domain or as declared
-- email_hash VARCHAR
-- email_domain VARCHAR
-- full_name VARCHAR
-- title VARCHAR
-- role VARCHAR
-- role_raw VARCHAR
-- is_active BOOLEAN
-- is_portal_user BOOLEAN
-- created_at TIMESTAMP
-- last_login_at TIMESTAMP
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
        _deleted AND role IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND role IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.person
    WINDOW record AS (PARTITION BY person_id)
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
        PARTITION BY person_id
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

employers AS (
    SELECT worked.person_id, worked.partner_id, worked.method
    FROM canonical.person_partner AS worked
    CROSS JOIN run_settings AS s
    WHERE worked.valid_from < s.as_of_end AND coalesce(worked.valid_to >= s.as_of_end, TRUE)
),

final AS (
    SELECT
        newest.person_id,
        employer.partner_id,
        newest.partner_id AS partner_ref,
        employer.method AS partner_method,
        newest.email_hash,
        newest.email_domain,
        newest.full_name,
        newest.title,
        newest.role,
        newest.role_raw,
        newest.is_active,
        newest.is_portal_user,
        newest.created_at,
        newest.last_login_at,
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
    LEFT JOIN employers AS employer ON newest.person_id = employer.person_id
)

SELECT * FROM final
