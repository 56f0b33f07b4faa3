package ingesttest

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"
)

// DealJSONBytes and DealXLSXBytes are the mean sizes of the records of WriteDealsJSON and WriteDealsXLSX.
const (
	DealJSONBytes = 391
	DealXLSXBytes = 108
)

// WriteDealsJSON writes the deals of WriteDeals as lines of JSON: amounts and chances are numbers, empty fields null.
func WriteDealsJSON(w io.Writer, n int, seed uint64) error {
	out := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := eachDeal(n, seed, func(names, cells []string) error {
		if _, err := out.WriteString("{"); err != nil {
			return err
		}
		for i, cell := range cells {
			comma := ","
			if i == 0 {
				comma = ""
			}
			name, err := json.Marshal(names[i])
			if err != nil {
				return err
			}
			value := []byte("null")
			switch {
			case names[i] == "Amount" || names[i] == "Probability":
				value = []byte(cell)
			case cell != "":
				if value, err = json.Marshal(cell); err != nil {
					return err
				}
			}
			if _, err := fmt.Fprintf(out, "%s%s:%s", comma, name, value); err != nil {
				return err
			}
		}
		_, err := out.WriteString("}\n")
		return err
	})
	return errors.Join(err, out.Flush())
}

// WriteDealsXLSX writes the deals of WriteDeals as a workbook: amounts and chances are numbers, times and days are
// numbers with the format of a date.
func WriteDealsXLSX(w io.Writer, n int, seed uint64) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		return err
	}
	moment, err := f.NewStyle(&excelize.Style{NumFmt: 22})
	if err != nil {
		return err
	}
	sheet, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	row := 0
	write := func(values []any) error {
		row++
		return sheet.SetRow(fmt.Sprintf("A%d", row), values)
	}
	err = eachDeal(n, seed, func(names, cells []string) error {
		if row == 0 {
			header := make([]any, len(names))
			for i := range names {
				header[i] = names[i]
			}
			if err := write(header); err != nil {
				return err
			}
		}
		values := make([]any, len(cells))
		for i, cell := range cells {
			if values[i], err = cellOf(names[i], cell, day, moment); err != nil {
				return err
			}
		}
		return write(values)
	})
	if err != nil {
		return err
	}
	if err := sheet.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}

// cellOf returns what a spreadsheet holds for a text of a column.
func cellOf(name, text string, day, moment int) (any, error) {
	layout, style := time.DateTime, moment
	switch {
	case text == "":
		return nil, nil
	case name == "Amount" || name == "Probability":
		return excelize.Cell{Value: json.Number(text)}, nil
	case name == "Close Date":
		layout, style = time.DateOnly, day
	case name != "Created" && name != "Closed At" && name != "Modified":
		return text, nil
	}
	t, err := time.Parse(layout, text)
	return excelize.Cell{StyleID: style, Value: t}, err
}

// eachDeal calls visit with the names and cells of n deals.
func eachDeal(n int, seed uint64, visit func(names, cells []string) error) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(WriteDeals(w, n, seed)) }()
	in := csv.NewReader(r)
	names, err := in.Read()
	for err == nil {
		var cells []string
		if cells, err = in.Read(); err == nil {
			err = visit(names, cells)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return errors.Join(err, r.CloseWithError(err))
}
