-- int_signed_partner: how long each partner took from signature to its first revenue, with what was known when it signed.
-- grain: partner with a signature
-- key: partner_id
-- partner_id VARCHAR: partner
-- segment VARCHAR: segment in which the programme compares the partner
-- signed_on DATE: day of the signature
-- days INTEGER: days from signature to the first won deal in a revenue role, to the exit, or to the as-of date
-- event INTEGER: 1 first revenue, 2 exit before it, 0 still waiting
-- known_on DATE: day on which we knew how the wait ended; null while it lasts
-- followed_days INTEGER: days from signature to the as-of date: as long as the wait could have been seen to last
-- is_learnable BOOLEAN: the wait was seen from its beginning: signed since the first deal on record, no existing
--   business, and within the last ten years
-- is_waiting BOOLEAN: in the programme and without revenue
-- partner_type VARCHAR: what the partner was on the day of the signature
-- region VARCHAR: sales region on that day
-- tier_at_signing VARCHAR: tier on that day; null where it is only known from later
-- application_days INTEGER: days from the application to the signature
-- traits VARCHAR: what the application stated about the applicant, JSON
-- note: the wait ends as in int_first_revenue, which looks at the last 24 months only
-- note: a partner's success moves its tier, so a tier that was first seen more than 30 days after the signature is
--   not taken back to it; type and region hardly move and are
WITH history AS (
    SELECT min(created_on) AS starts_on FROM intermediate.int_deal
),

first_wins AS (
    SELECT partner_id, event_on, known_on
    FROM intermediate.int_commercial_event
    WHERE kind = 'won_deal'
    QUALIFY row_number() OVER (PARTITION BY partner_id ORDER BY event_on, known_on, ref_id) = 1
),

-- The application that led to the signature is the last one before it.
applications AS (
    SELECT
        application.partner_id,
        application.application_id,
        application.applied_traits AS traits,
        CAST(((application.submitted_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS applied_on
    FROM canonical.partner_application AS application
    CROSS JOIN run_settings AS s
    WHERE
        NOT application._deleted
        AND application.partner_id IS NOT NULL
        AND application.submitted_at < s.as_of_end
),

applied AS (
    SELECT
        partner.partner_id,
        applications.applied_on,
        applications.traits
    FROM intermediate.int_partner AS partner
    INNER JOIN applications ON partner.partner_id = applications.partner_id
    WHERE applications.applied_on <= partner.signed_on
    QUALIFY row_number() OVER (PARTITION BY partner.partner_id ORDER BY applications.applied_on DESC, applications.application_id DESC) = 1
),

attributes AS (
    SELECT
        partner.partner_id,
        past.attribute,
        past.value
    FROM intermediate.int_partner AS partner
    CROSS JOIN run_settings AS s
    INNER JOIN canonical.partner_history AS past ON partner.partner_id = past.partner_id
    WHERE
        NOT past._deleted
        AND past.attribute IN ('type', 'region', 'tier')
        AND CAST(((past.valid_from AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) <= partner.signed_on
        AND coalesce(CAST(((past.valid_to AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) > partner.signed_on, TRUE)
        AND (
            past.attribute <> 'tier'
            OR past.basis <> 'backfilled'
            OR CAST(past._loaded_at AS DATE) <= partner.signed_on + 30
        )
    QUALIFY row_number() OVER (
        PARTITION BY partner.partner_id, past.attribute
        ORDER BY past.valid_from DESC, past.known_at DESC, past.partner_ref
    ) = 1
),

traits AS (
    SELECT
        partner_id,
        max(CASE WHEN attribute = 'type' THEN value END) AS partner_type,
        max(CASE WHEN attribute = 'region' THEN value END) AS region,
        max(CASE WHEN attribute = 'tier' THEN value END) AS tier_code
    FROM attributes
    GROUP BY partner_id
),

waits AS (
    SELECT
        partner.*,
        first_wins.event_on AS won_on,
        first_wins.known_on AS won_known_on,
        s.as_of,
        history.starts_on,
        CASE
            WHEN first_wins.event_on IS NOT NULL AND coalesce(first_wins.event_on <= partner.exited_on, TRUE) THEN 1
            WHEN partner.exited_on IS NOT NULL THEN 2
            ELSE 0
        END AS event
    FROM intermediate.int_partner AS partner
    CROSS JOIN run_settings AS s
    CROSS JOIN history
    LEFT JOIN first_wins ON partner.partner_id = first_wins.partner_id
    WHERE partner.signed_on IS NOT NULL
),

final AS (
    SELECT
        waits.partner_id,
        waits.segment,
        waits.signed_on,
        CAST(greatest(
            CASE waits.event WHEN 1 THEN waits.won_on WHEN 2 THEN waits.exited_on ELSE waits.as_of END - waits.signed_on, 0
        ) AS INTEGER) AS days,
        CAST(waits.event AS INTEGER) AS event,
        CASE waits.event WHEN 1 THEN waits.won_known_on WHEN 2 THEN waits.exited_on END AS known_on,
        CAST(waits.as_of - waits.signed_on AS INTEGER) AS followed_days,
        coalesce(waits.signed_on >= waits.starts_on, FALSE)
        AND waits.signed_on > CAST(waits.as_of - INTERVAL '10' YEAR AS DATE)
        AND coalesce(waits.won_on >= waits.signed_on - 30, TRUE) AS is_learnable,
        waits.event = 0 AND waits.is_enrolled AS is_waiting,
        coalesce(traits.partner_type, waits.partner_type) AS partner_type,
        coalesce(traits.region, waits.region) AS region,
        traits.tier_code AS tier_at_signing,
        CAST(waits.signed_on - applied.applied_on AS INTEGER) AS application_days,
        applied.traits
    FROM waits
    LEFT JOIN applied ON waits.partner_id = applied.partner_id
    LEFT JOIN traits ON waits.partner_id = traits.partner_id
)

SELECT * FROM final
