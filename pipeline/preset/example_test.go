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
	//   objects[0].tables[0].columns.valid_from.transform (line 11): layout "dd.mm.yyyy" must show one year, one month and one day: write it as 2 January 2006, 15:04:05 would look, for example 2006-01-02 or 02.01.2006 15:04
	//   objects[0].tables[0].columns.rates (line 12): table fx_rate has no column "rates"; did you mean rate?
}
