-- int_commercial_day: a partner's commercial days in order, each with the rhythm and the spell that it belongs to.
-- grain: partner x version of its history x day with a commercial event
-- key: partner_id, version_on, event_on
-- partner_id VARCHAR: partner
-- version_on DATE: 9999-12-31 for the ordinary history, of which the views of most snapshots are a beginning; a snapshot for
--   the view of it alone, where it saw the days in another order than that in which they happened
-- event_on DATE: day with a commercial event
-- visible_on DATE: first snapshot that sees it; in the ordinary history with all days before
-- known_on DATE: first snapshot that saw it at all
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
-- note: int_partner_rhythm says which version a snapshot sees
WITH settings AS (
    SELECT as_of, timezone, churn_kind, churn_silence_min_days, churn_silence_max_days FROM run_settings
),

-- The events as snapshots saw them: a source or another role can become known after the deal, and be lost again.
seen_events AS (
    SELECT
        partner_id,
        event_on,
        0 AS won_deals,
        greatest(event_on + 1, known_on) AS visible_on,
        NULL AS hidden_on
    FROM intermediate.int_commercial_event
    WHERE kind = 'registration'
    UNION ALL
    SELECT
        claim.partner_id,
        deal.created_on AS event_on,
        0 AS won_deals,
        greatest(deal.created_on + 1, claim.source_from_on) AS visible_on,
        -- A deal that was lost as one that never was real was a deal until then.
        least(
            claim.source_until_on,
            CASE WHEN deal.is_excluded
                THEN greatest(
                    deal.closed_on + 1,
                    CAST(((deal.closed_known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
                )
            END
        ) AS hidden_on
    FROM intermediate.int_deal_claim AS claim
    INNER JOIN intermediate.int_deal AS deal ON claim.deal_id = deal.deal_id
    CROSS JOIN settings
    WHERE (NOT deal.is_excluded OR deal.outcome = 'lost') AND claim.source_from_on IS NOT NULL
    UNION ALL
    SELECT
        role.partner_id,
        deal.closed_on AS event_on,
        1 AS won_deals,
        greatest(
            deal.closed_on + 1,
            CAST(((deal.closed_known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE),
            role.seen_on
        ) AS visible_on,
        role.unseen_on AS hidden_on
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_deal_role_seen AS role ON deal.deal_id = role.deal_id
    CROSS JOIN settings
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded AND role.is_revenue
),

event_days AS (
    SELECT
        e.partner_id,
        e.event_on,
        e.visible_on,
        e.hidden_on,
        sum(e.won_deals) AS won_deals
    FROM seen_events AS e
    INNER JOIN intermediate.int_partner AS p ON e.partner_id = p.partner_id
    CROSS JOIN settings
    WHERE
        e.event_on <= settings.as_of
        AND (p.exited_on IS NULL OR e.event_on <= p.exited_on)
        AND (e.hidden_on IS NULL OR e.visible_on < e.hidden_on)
    GROUP BY e.partner_id, e.event_on, e.visible_on, e.hidden_on
),

-- The ordinary history grows day by day: a day is seen in it once it and all days before are known.
known_days AS (
    SELECT
        partner_id,
        event_on,
        min(visible_on) AS first_visible_on,
        max(visible_on) AS last_visible_on,
        sum(won_deals) AS won_deals
    FROM event_days
    WHERE hidden_on IS NULL
    GROUP BY partner_id, event_on
),

ordinary_days AS (
    SELECT
        partner_id,
        event_on,
        first_visible_on,
        max(last_visible_on) OVER (
            PARTITION BY partner_id ORDER BY event_on ROWS UNBOUNDED PRECEDING
        ) AS visible_on,
        won_deals
    FROM known_days
),

-- Snapshots that saw something else: a day before an earlier one, or one that a better claim took away since.
disorders AS (
    SELECT partner_id, first_visible_on AS from_on, visible_on AS until_on
    FROM ordinary_days
    WHERE first_visible_on < visible_on
    UNION ALL
    SELECT partner_id, visible_on AS from_on, hidden_on AS until_on
    FROM event_days
    WHERE hidden_on IS NOT NULL
),

versions AS (
    SELECT DISTINCT disorders.partner_id, snapshot.snapshot_on AS version_on
    FROM disorders
    INNER JOIN intermediate.int_snapshot AS snapshot
        ON disorders.from_on <= snapshot.snapshot_on AND disorders.until_on > snapshot.snapshot_on
),

versioned_days AS (
    SELECT partner_id, DATE '9999-12-31' AS version_on, event_on, visible_on, first_visible_on AS known_on, won_deals
    FROM ordinary_days
    UNION ALL
    SELECT
        versions.partner_id,
        versions.version_on,
        event_days.event_on,
        min(event_days.visible_on) AS visible_on,
        min(event_days.visible_on) AS known_on,
        sum(event_days.won_deals) AS won_deals
    FROM versions
    INNER JOIN event_days
        ON versions.partner_id = event_days.partner_id AND versions.version_on >= event_days.visible_on
    WHERE event_days.hidden_on IS NULL OR versions.version_on < event_days.hidden_on
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
        known_on,
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
