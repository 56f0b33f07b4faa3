-- int_commercial_day: a partner's commercial days in order, each with the rhythm and the spell that it belongs to.
-- grain: partner x version of its history x day with a commercial event
-- key: partner_id, version_on, event_on
-- partner_id VARCHAR: partner
-- version_on DATE: 9999-12-31 where the days became known in the order in which they happened, so that every past view is a
--   beginning of this one; else the snapshot whose view the row belongs to
-- event_on DATE: day with a commercial event
-- visible_on DATE: first snapshot that sees it
-- next_visible_on DATE: first snapshot that sees the day after it in this version
-- event_no BIGINT: number of commercial days up to here
-- gap_days INTEGER: days since the one before
-- median_gap_days DOUBLE: median of the gaps up to here
-- silence_days INTEGER: silence after which the partner counts as gone (Q of M37), from the gaps up to here
-- spell_no BIGINT: spell that the day belongs to; a win-back starts a new one
-- spell_started_on DATE: first day of the spell
-- spell_events BIGINT: commercial days of the spell up to here
-- grow_on DATE: day of the spell's second won deal, once there was one
-- ended_on DATE: day on which the spell ends if nothing follows
-- end_kind VARCHAR: contractual, behavioural or exit
-- end_reason VARCHAR: reason that the source states for a contractual end or exit
-- note: Q = clamp(3 x median gap, churn.silence_min_days, churn.silence_max_days), the upper limit under three days; it
--   is the one in force when the silence began, so that a later habit never rewrites an earlier churn
-- note: a day counts once however many registrations and deals fall on it: they are one occasion
-- note: events after the partner's exit are stray records and left out
-- note: only partners whose days became known out of order get one version for every snapshot
WITH settings AS (
    SELECT as_of, timezone, churn_kind, churn_silence_min_days, churn_silence_max_days FROM run_settings
),

-- A source that was first claimed after the deal was created was not known before.
claims AS (
    SELECT
        'sourced_deal' AS kind,
        claim.deal_id AS ref_id,
        claim.partner_id,
        CAST(((min(claim.claimed_at) AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS claimed_on
    FROM intermediate.int_deal_claim AS claim
    CROSS JOIN settings
    GROUP BY claim.deal_id, claim.partner_id, settings.timezone
),

events AS (
    SELECT
        e.partner_id,
        e.event_on,
        e.kind,
        e.ref_id,
        greatest(e.event_on + 1, e.known_on, coalesce(claims.claimed_on, e.known_on)) AS visible_on
    FROM intermediate.int_commercial_event AS e
    INNER JOIN intermediate.int_partner AS p ON e.partner_id = p.partner_id
    CROSS JOIN settings
    LEFT JOIN claims ON e.kind = claims.kind AND e.ref_id = claims.ref_id AND e.partner_id = claims.partner_id
    WHERE e.event_on <= settings.as_of AND (p.exited_on IS NULL OR e.event_on <= p.exited_on)
),

event_days AS (
    SELECT
        partner_id,
        event_on,
        visible_on,
        count(DISTINCT CASE WHEN kind = 'won_deal' THEN ref_id END) AS won_deals
    FROM events
    GROUP BY partner_id, event_on, visible_on
),

arrivals AS (
    SELECT
        partner_id,
        event_on,
        visible_on,
        lead(event_on) OVER event_order AS next_event_on,
        min(visible_on) OVER (
            PARTITION BY partner_id
            ORDER BY event_on, visible_on
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS later_visible_on
    FROM event_days
    WINDOW event_order AS (PARTITION BY partner_id ORDER BY event_on, visible_on)
),

orders AS (
    SELECT
        partner_id,
        bool_or(coalesce(visible_on > later_visible_on, FALSE) OR coalesce(event_on = next_event_on, FALSE)) AS is_out_of_order
    FROM arrivals
    GROUP BY partner_id
),

versions AS (
    SELECT partner_id, DATE '9999-12-31' AS version_on
    FROM orders
    WHERE NOT is_out_of_order
    UNION ALL
    SELECT orders.partner_id, snapshot.snapshot_on AS version_on
    FROM orders
    CROSS JOIN intermediate.int_snapshot AS snapshot
    WHERE orders.is_out_of_order
),

versioned_days AS (
    SELECT
        versions.partner_id,
        versions.version_on,
        event_days.event_on,
        min(event_days.visible_on) AS visible_on,
        sum(event_days.won_deals) AS won_deals
    FROM versions
    INNER JOIN event_days
        ON versions.partner_id = event_days.partner_id AND versions.version_on >= event_days.visible_on
    GROUP BY versions.partner_id, versions.version_on, event_days.event_on
),

gaps AS (
    SELECT
        *,
        row_number() OVER history AS event_no,
        event_on - lag(event_on) OVER history AS gap_days,
        lead(event_on) OVER history AS next_event_on,
        lead(visible_on) OVER history AS next_visible_on
    FROM versioned_days
    WINDOW history AS (PARTITION BY partner_id, version_on ORDER BY event_on)
),

rhythms AS (
    SELECT
        *,
        quantile_cont(CAST(gap_days AS DOUBLE), 0.5) OVER (
            PARTITION BY partner_id, version_on ORDER BY event_on ROWS UNBOUNDED PRECEDING
        ) AS median_gap_days
    FROM gaps
),

silences AS (
    SELECT
        rhythms.*,
        settings.churn_kind,
        CAST(CASE
            WHEN rhythms.event_no < 3 THEN settings.churn_silence_max_days
            ELSE
                least(
                    greatest(ceil(3 * rhythms.median_gap_days), settings.churn_silence_min_days),
                    settings.churn_silence_max_days
                )
        END AS INTEGER) AS silence_days
    FROM rhythms
    CROSS JOIN settings
),

-- An end of contract closes the gap in which it falls.
contract_ends AS (
    SELECT
        c.partner_id,
        g.version_on,
        g.event_on,
        c.ended_on,
        c.end_kind,
        c.end_reason
    FROM intermediate.int_contract_end AS c
    INNER JOIN gaps AS g
        ON
            c.partner_id = g.partner_id
            AND c.ended_on >= g.event_on
            AND c.ended_on < coalesce(g.next_event_on, DATE '9999-12-31')
    CROSS JOIN settings
    WHERE
        (c.end_kind = 'exit' OR settings.churn_kind <> 'behavioural')
        AND c.ended_on < g.version_on
    QUALIFY row_number() OVER (PARTITION BY c.partner_id, g.version_on, g.event_on ORDER BY c.ended_on) = 1
),

ends AS (
    SELECT
        silences.*,
        contract_ends.ended_on AS contract_ended_on,
        contract_ends.end_kind AS contract_end_kind,
        contract_ends.end_reason AS contract_end_reason,
        CASE WHEN silences.churn_kind <> 'contractual' THEN silences.event_on + silences.silence_days END AS silent_on
    FROM silences
    LEFT JOIN contract_ends
        ON
            silences.partner_id = contract_ends.partner_id
            AND silences.version_on = contract_ends.version_on
            AND silences.event_on = contract_ends.event_on
),

breaks AS (
    SELECT
        *,
        least(contract_ended_on, silent_on) AS ended_on,
        contract_ended_on <= coalesce(silent_on, contract_ended_on) AS is_contract_first
    FROM ends
),

spells AS (
    SELECT
        *,
        -- An event on the very day of churn still belongs to the spell.
        1 + coalesce(sum(CASE WHEN ended_on < next_event_on THEN 1 ELSE 0 END) OVER (
            PARTITION BY partner_id, version_on ORDER BY event_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS spell_no
    FROM breaks
),

counted_spells AS (
    SELECT
        *,
        min(event_on) OVER spell AS spell_started_on,
        row_number() OVER spell AS spell_events,
        sum(won_deals) OVER spell AS spell_won_deals
    FROM spells
    WINDOW spell AS (PARTITION BY partner_id, version_on, spell_no ORDER BY event_on ROWS UNBOUNDED PRECEDING)
),

final AS (
    SELECT
        partner_id,
        version_on,
        event_on,
        visible_on,
        next_visible_on,
        event_no,
        CAST(gap_days AS INTEGER) AS gap_days,
        median_gap_days,
        silence_days,
        CAST(spell_no AS BIGINT) AS spell_no,
        spell_started_on,
        spell_events,
        min(CASE WHEN spell_won_deals >= 2 THEN event_on END) OVER (
            PARTITION BY partner_id, version_on, spell_no ORDER BY event_on ROWS UNBOUNDED PRECEDING
        ) AS grow_on,
        ended_on,
        CASE
            WHEN is_contract_first THEN contract_end_kind
            WHEN silent_on IS NOT NULL THEN 'behavioural'
        END AS end_kind,
        CASE WHEN is_contract_first THEN contract_end_reason END AS end_reason
    FROM counted_spells
)

SELECT * FROM final
