package preset_test

import (
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

func ExampleParse() {
	m, err := preset.Parse("finance.yaml", []byte(`
objects:
  - object: rates
    files: ["rates/*.csv"]
    mode: upsert
    tables:
      - table: fx_rate
        columns:
          currency: {from: Currency}
          base_currency: {const: EUR}
          valid_from: {from: Day, transform: {date: 02.01.2006}}
          rate: {from: [ECB Rate, Rate], transform: {float: {decimal: comma}}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	o, _ := m.Find("rates/2026-10.csv")
	for _, r := range preset.Required(o) {
		fmt.Printf("%s, for %s\n", r, r.For)
	}
	// Output:
	// Currency, for fx_rate.currency
	// Day, for fx_rate.valid_from
	// ECB Rate or Rate, for fx_rate.rate
}

// A source sets what the mapping leaves to it, and names the columns as its exports do.
func ExampleParse_with() {
	m, err := preset.Parse("deals.yaml", []byte(`
parameters:
  partner_types: {about: values of Type that mean a partner, list: true, default: [Partner]}
objects:
  - object: Account
    header: [Id, [Account Name, Name]]
    mode: upsert
    tables:
      - table: partner
        where: [{from: Type, in: $partner_types}]
        columns:
          partner_id: {key: crm_account, from: Id, transform: id18}
          name: {from: [Account Name, Name]}
          partner_type: {const: unknown}
          status: {const: active}
`), preset.With{
		Parameters: map[string]preset.Value{"partner_types": preset.Texts("Partner", "Reseller")},
		Aliases:    map[string][]string{"Account Name": {"Kontoname"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := m.Recognise("export-1.csv", func(*preset.Object) (preset.Sample, error) {
		return preset.Rows{Header: []string{"ID", "Kontoname", "Typ"}}, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(o.Name, o.Tables[0].Where[0].In, o.Header[1])
	// Output:
	// Account [Partner Reseller] Account Name or Kontoname or Name
}

func ExampleProblems() {
	_, err := preset.Parse("finance.yaml", []byte(`
objects:
  - object: rates
    files: ["rates/*.csv"]
    mode: upsert
    tables:
      - table: fx_rate
        columns:
          currency: {from: Currency}
          base_currency: {const: EUR}
          valid_from: {from: Day, transform: {date: dd.mm.yyyy}}
          rates: {from: Rate}
`))
	fmt.Println(err)
	// Output:
	// mapping finance.yaml has 3 problems
	//   objects[0].tables[0].columns (line 8): leaves out the required column rate (units of currency for one unit of the base); add rate: {from: ...} or rate: {const: ...}
	//   objects[0].tables[0].columns.valid_from.transform.date (line 11): layout "dd.mm.yyyy" must show one year, one month and one day: write it as 2 January 2006, 15:04:05 would look, for example 2006-01-02 or 02.01.2006 15:04
	//   objects[0].tables[0].columns.rates (line 12): table fx_rate has no column "rates"; did you mean rate?
}
