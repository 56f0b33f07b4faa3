-- opportunity_partner: the newest version of one partner's role on a deal, as the source states it.
-- grain: deal x partner x role
-- key: opportunity_id, partner_ref, role
-- opportunity_id VARCHAR
-- partner_id VARCHAR: partner, resolved through partner_reference; null where unresolved
-- partner_ref VARCHAR: partner, as exported
-- role VARCHAR
-- role_raw VARCHAR
-- is_primary BOOLEAN: the primary partner of the deal; exactly one row of each deal that has a partner whom we know
-- credit_pct DOUBLE
-- basis VARCHAR
-- first_touch_at TIMESTAMP
-- source_modified_at TIMESTAMP
-- known_at TIMESTAMP: when we knew of it: first receipt, or the record's own time where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
-- note: what several objects of a source say about one role is told by the best basis: opp_partner, lookup_field,
--   association_label, deal_reg, owner, contact_role, campaign; the same order decides is_primary, then the source's own
--   flag, then the first touch
-- note: a relation in the CRM has a reverse twin that names the deal's own customer; it is no partner and left out
-- note: sourced and influenced are decided by rule in int_deal_partner; a role here is a claim
WITH bases AS (
    SELECT
        unnest(['opp_partner', 'lookup_field', 'association_label', 'deal_reg', 'owner', 'contact_role', 'campaign']) AS basis,
        unnest(range(1, 8)) AS precedence
),

versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND basis IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND basis IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.opportunity_partner
    WINDOW record AS (PARTITION BY opportunity_id, partner_id, role, _source, _object)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(first_touch_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, first_touch_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY opportunity_id, partner_id, role, _source, _object
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

deals AS (
    SELECT
        opportunity_id,
        created_at,
        -- The customer's own id, behind source and object, in the spelling that a reference to it as a partner has.
        _source AS source,
        regexp_replace(customer_key, '^[^:]*:[^:]*:', '') AS customer_id
    FROM canonical.opportunity
),

resolved AS (
    SELECT
        newest.*,
        identity.partner_id AS resolved_id,
        coalesce(bases.precedence, 9) AS precedence,
        deals.created_at
    FROM newest
    LEFT JOIN bases ON newest.basis = bases.basis
    LEFT JOIN deals ON newest.opportunity_id = deals.opportunity_id
    LEFT JOIN identities AS identity
        ON
            newest.partner_id = identity.ref
            AND coalesce(newest.first_touch_at, deals.created_at, TIMESTAMP '9999-01-01') >= identity.valid_from
            AND coalesce(newest.first_touch_at, deals.created_at, TIMESTAMP '9999-01-01') < identity.valid_to
    WHERE
        newest.basis IS DISTINCT FROM 'opp_partner'
        OR deals.customer_id IS NULL
        OR newest._source || ':' || regexp_replace(newest.partner_id, '^[^:]*:[^:]*:', '')
        <> deals.source || ':' || deals.customer_id
    QUALIFY row_number() OVER (
        PARTITION BY newest.opportunity_id, newest.partner_id, newest.role
        ORDER BY newest.is_deleted, precedence, newest._source, newest._object
    ) = 1
),

final AS (
    SELECT
        newest.opportunity_id,
        newest.resolved_id AS partner_id,
        newest.partner_id AS partner_ref,
        newest.role,
        newest.role_raw,
        newest.resolved_id IS NOT NULL AND NOT newest.is_deleted AND row_number() OVER (
            PARTITION BY newest.opportunity_id
            ORDER BY
                newest.is_deleted OR newest.resolved_id IS NULL,
                newest.precedence,
                coalesce(newest.is_primary, FALSE) DESC,
                coalesce(newest.first_touch_at, newest.created_at),
                newest.partner_id,
                newest.role
        ) = 1 AS is_primary,
        newest.credit_pct,
        newest.basis,
        newest.first_touch_at,
        newest.source_modified_at,
        newest.known_at,
        newest._source,
        newest._file,
        newest._file_sha256,
        newest._row,
        newest._loaded_at,
        newest._extra,
        newest.is_deleted AS _deleted
    FROM resolved AS newest
)

SELECT * FROM final
