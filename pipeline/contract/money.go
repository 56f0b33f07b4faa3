package contract

// moneyTables declares the money: funds, the ledger, subscriptions and targets.
func moneyTables() []*Table {
	return []*Table{
		{
			Name: "fund_flow", Grain: "one budget, allocation, request or claim", Key: []string{"fund_id"}, EventTime: "created_at",
			Columns: []Column{
				req("fund_id", String, "native key of the fund record"),
				enum("kind", "step of the fund", "budget allocation request claim unknown"),
				ref("fund_flow", opt("parent_fund_id", String, "fund record that this one draws on")),
				ref("partner", opt("partner_id", String, "partner")),
				opt("activity_type", String, "what the money is for"),
				opt("amount_requested", Decimal, "asked"),
				opt("amount_approved", Decimal, "approved"),
				opt("amount_paid", Decimal, "paid"),
				opt("currency", String, "ISO 4217 code"),
				enum("status", "state of the fund record", "draft submitted approved rejected paid expired unknown"),
				opt("period_start", Date, "first day that it covers"),
				opt("period_end", Date, "last day that it covers"),
				req("created_at", Timestamp, "creation"),
				opt("decided_at", Timestamp, "approval or rejection; its date sets the exchange rate"),
				opt("paid_at", Timestamp, "payment"),
				optTag("decided_basis", "how the decision time is known", "field history_object snapshot_diff"),
				opt("source_modified_at", Timestamp, "last change at the source"),
			},
		},
		{
			Name: "ledger_entry", Grain: "one signed amount between us and partners, or a programme cost", Key: []string{"entry_id"}, EventTime: "incurred_on",
			Columns: []Column{
				req("entry_id", String, "native key of the entry"),
				ref("partner", opt("partner_id", String, "partner; null is shared cost, spread by ropi.driver")),
				enum("kind", "kind of money", "revenue commission rebate mdf_payment spiff marketplace_fee marketplace_disbursement tax headcount tooling enablement credit refund adjustment other"),
				enum("direction", "only cost and income enter return on investment", "cost income settlement informational"),
				req("amount", Decimal, "amount, positive in its direction"),
				req("currency", String, "ISO 4217 code"),
				req("incurred_on", Date, "day of the entry"),
				opt("period_start", Date, "first day that it covers"),
				opt("period_end", Date, "last day that it covers"),
				enum("status", "state of the entry", "accrued approved paid reversed failed unknown"),
				ref("opportunity", opt("opportunity_id", String, "deal that it belongs to")),
				opt("customer_key", String, "customer"),
				opt("reference", String, "voucher"),
				opt("allocation_method", String, "how a shared amount was split in the source"),
				opt("allocation_share", Float64, "share of the shared amount"),
				opt("source_modified_at", Timestamp, "from when the source holds the entry to be so; the newest version wins"),
			},
		},
		{
			Name: "subscription_change", Grain: "subscription x effective change", Key: []string{"subscription_id", "effective_at", "seq"}, EventTime: "effective_at",
			Columns: []Column{
				req("subscription_id", String, "native key of the subscription"),
				req("effective_at", Timestamp, "when the change takes effect"),
				req("seq", Int64, "order among changes of the same moment"),
				req("customer_key", String, "customer"),
				ref("partner", opt("partner_id", String, "partner that manages or sold it")),
				opt("product", String, "product"),
				enum("change", "kind of change", "new expansion contraction renewal churn reactivation pause transfer snapshot unknown"),
				req("mrr", Decimal, "monthly recurring revenue after"),
				opt("prev_mrr", Decimal, "monthly recurring revenue before"),
				req("currency", String, "ISO 4217 code"),
				opt("term_start", Date, "first day of the term"),
				opt("term_end", Date, "last day of the term"),
				enum("status", "state of the subscription", "trial active paused non_renewing cancelled unknown"),
				tag("basis", "how the change is known", "movement_report snapshot_diff"),
			},
		},
		{
			Name: "target", Grain: "scope x measure x period", Key: []string{"scope_kind", "scope_key", "measure", "period_start", "period_end"}, EventTime: "period_start",
			Columns: []Column{
				tag("scope_kind", "who has the target", "partner owner segment program"),
				req("scope_key", String, "partner, owner or segment; the programme's name for program"),
				req("measure", String, "metric that is targeted, for example bookings"),
				req("period_start", Date, "first day of the period"),
				req("period_end", Date, "last day of the period"),
				req("value", Decimal, "agreed value"),
				opt("currency", String, "ISO 4217 code, for money"),
				opt("source_modified_at", Timestamp, "last change at the source"),
			},
		},
	}
}

// referenceTables declares the look-up tables: exchange rates and code maps.
func referenceTables() []*Table {
	return []*Table{
		{
			Name: "fx_rate", Grain: "currency x base currency x day from which it holds", Key: []string{"currency", "base_currency", "valid_from"}, EventTime: "valid_from",
			Columns: []Column{
				req("currency", String, "ISO 4217 code"),
				req("base_currency", String, "ISO 4217 code of the base"),
				req("valid_from", Date, "first day"),
				opt("valid_to", Date, "end, exclusive; until the next rate where null"),
				req("rate", Float64, "units of currency for one unit of the base"),
			},
		},
		{
			Name: "code_map", Grain: "source x domain x raw value", Key: []string{"source", "domain", "raw_value"},
			Columns: []Column{
				req("source", String, "source instance"),
				req("domain", String, "what is mapped, for example stage"),
				req("raw_value", String, "value in the source"),
				req("canonical", String, "canonical value"),
				opt("order", Int64, "position"),
				opt("is_closed", Bool, "closed stage"),
				opt("is_won", Bool, "won stage"),
			},
		},
	}
}
