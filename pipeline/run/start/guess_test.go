package start

import "testing"

func column(values ...string) *File {
	f := &File{Columns: []string{"x"}}
	for _, v := range values {
		f.Records = append(f.Records, []string{v})
	}
	return f
}

func TestKindOf(t *testing.T) {
	for want, f := range map[string]*File{
		"empty in the first records":         column("", " "),
		"whole number":                       column("1", "1", ""),
		"whole number, each value once":      column("1", "2"),
		"number, each value once":            column("1", "2.50"),
		"number, decimal comma":              column("1.200,50", "3", "3"),
		"number, groups of three":            column("1,200.50", "3", "3"),
		"day, layout 2006-01-02":             column("2026-10-31", "2026-10-31"),
		"day, layout 02.01.2006":             column("31.10.2026", "31.10.2026"),
		"day, 02/01/2006 or 01/02/2006":      column("1/2/2026", "1/2/2026"),
		"day, layout 20060102":               column("20261031", "20261031"),
		"time with zone, each value once":    column("2026-10-31T10:00:00Z", "2026-10-31T10:00:00+0200"),
		"time without zone, each value once": column("2026-10-31 10:00:00", "2026-10-31 10:00"),
		"true or false":                      column("Yes", "no", "no"),
		"currency":                           column("EUR", "USD", "EUR"),
		"e-mail address, each value once":    column("a@b.example", "c@d.example"),
		"web address, each value once":       column("https://a.example/", "http://b.example/x"),
		"text, each value once":              column("a b", "1"),
		"text, 2 different":                  column("won", "lost one", "won"),
	} {
		if got := kindOf(f, 0); got != want {
			t.Errorf("%v is %q, want %q", f.Records, got, want)
		}
	}
	if got := kindOf(column("1"), 7); got != "empty in the first records" {
		t.Errorf("a column that no record has is %q", got)
	}
}

func TestFrequentCurrency(t *testing.T) {
	f := &File{Columns: []string{"Amount", "CurrencyIsoCode", "Deal currency"}, Records: [][]string{
		{"EUR", "USD", "EUR"}, {"1", "EUR", ""}, {"2", "usd", "EUR"}, {"3"},
	}}
	if got, want := frequentCurrency([]*File{f}).setting("currency", "which?"), (Setting{Key: "currency", Value: "EUR",
		Why: "named by 3 of the 4 first records that name a currency"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := frequentCurrency([]*File{column("USD")}); got.code != "" {
		t.Errorf("%q is the currency of a column that is none", got.code)
	}
	tie := &File{Columns: []string{"currency"}, Records: [][]string{{"USD"}, {"EUR"}}}
	want := Setting{Key: "currency", Value: "EUR", Assumed: true, Why: "which? EUR is named by 1 of the 2 first records that name a currency, USD comes next"}
	for range 20 {
		if got := frequentCurrency([]*File{tie}).setting("currency", "which?"); got != want {
			t.Fatalf("%+v, want %+v: of two that are named as often the first by name, and the question", got, want)
		}
	}
}
