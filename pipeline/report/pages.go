package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Pages renders the HTML pages of one night. Every page stands alone: styles are inside, nothing is
// fetched, links are relative, so that the folder can be copied, mailed or printed.
type Pages struct {
	night     *Night
	templates *template.Template
	alerts    map[string][]Alert
	owners    []OwnerList
}

// NewPages prepares the pages of a night.
func NewPages(n *Night) (*Pages, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	p := &Pages{night: n, alerts: map[string][]Alert{}, owners: ByOwner(n.Alerts)}
	for i := range n.Alerts {
		id := n.Alerts[i].PartnerID
		p.alerts[id] = append(p.alerts[id], n.Alerts[i])
	}
	t, err := template.New("pages").Funcs(p.functions()).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse page templates: %w", err)
	}
	p.templates = t
	return p, nil
}

// Owners returns the lists of the partner managers who have alerts, in order of priority.
func (p *Pages) Owners() []OwnerList { return p.owners }

// OwnerFile returns the page's file name, without folder, of an owner.
func OwnerFile(key string) string {
	if key == "" {
		return "no-owner.html"
	}
	return FileName(key) + ".html"
}

func (p *Pages) functions() template.FuncMap {
	return template.FuncMap{
		"day":     func(t time.Time) string { return t.Format("2 January 2006") },
		"minute":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"dec":     decimals,
		"percent": Percent,
		"compact": CompactMoney,
		"money":   Money,
		"unit":    formatUnit,
		"words":   Words,
		"title":   title,
		"number":  func(i int) int { return i + 1 },
		"first":   firstReasons,
		"score":   wholeScore,
		"code":    code,
		"more":    count,
		"risk":    (*Partner).riskNote,
		"short":   (*Partner).riskShort,
		"file":    FileName,
		"bar":     bar,
		"trend":   trend,
		"track":   p.trackRecord,
		"measure": measureOf,
		"times":   times,
		"longDay": longDay,
		"whole":   integer,
		"forTen":  forTen,
		"since":   since,
		"horizon": p.horizon,
	}
}

type indexRow struct {
	Name, Page, First, AtStake string
	Count, New                 int
}

// Index writes the overview of the programme.
func (p *Pages) Index(w io.Writer) error {
	rows := make([]indexRow, 0, len(p.owners))
	for i := range p.owners {
		o := &p.owners[i]
		row := indexRow{Name: o.Name, Page: "owners/" + OwnerFile(o.Key), Count: len(o.Partners), AtStake: o.AtStake}
		for j := range o.Partners {
			if o.Partners[j].IsNew {
				row.New++
			}
		}
		if len(o.Partners) > 0 {
			row.First = o.Partners[0].PartnerName
		}
		rows = append(rows, row)
	}
	return p.execute(w, "index.html", struct {
		*Night
		Summary string
		Owners  []indexRow
	}{p.night, p.Summary(), rows})
}

// Summary is the night in two or three sentences: how many partners need attention, how many of them the lists have room
// for, and what is at stake with those.
func (p *Pages) Summary() string {
	beyond, fresh := 0, 0
	var listed []OwnerPartner
	for i := range p.owners {
		beyond += p.owners[i].PartnersBeyond
		listed = append(listed, p.owners[i].Partners...)
	}
	for i := range listed {
		if listed[i].IsNew {
			fresh++
		}
	}
	if len(listed)+beyond == 0 {
		return "No partner needs attention tonight."
	}
	text, stake := count(len(listed)+beyond, "partner needs attention", "partners need attention"), CompactMoney(p.night.Currency, SumAtStake(listed))
	if beyond == 0 {
		text += fmt.Sprintf(", %s at stake.", stake)
	} else {
		text += fmt.Sprintf("; the lists have room for %d of them, with %s at stake.", len(listed), stake)
	}
	switch {
	case fresh == 0:
		return text + " None of them is new tonight."
	case beyond == 0:
		return text + " " + count(fresh, "is", "are") + " new tonight."
	}
	return text + " Of those " + count(fresh, "is", "are") + " new tonight."
}

// Subject is the headline of an owner's list, as the mail's subject line has it.
func (p *Pages) Subject(l *OwnerList) string {
	if len(l.Partners) == 0 {
		return "No partner to call"
	}
	return fmt.Sprintf("%s to call (%s at stake)", count(len(l.Partners), "partner", "partners"), CompactMoney(p.night.Currency, l.AtStake))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// Owner writes the page of one partner manager.
func (p *Pages) Owner(w io.Writer, l *OwnerList) error {
	return p.execute(w, "owner.html", struct {
		*Night
		Subject string
		List    *OwnerList
	}{p.night, p.Subject(l), l})
}

type quarter struct {
	Period    string
	IsPartial bool
	Lines     []ScorecardLine
}

type list struct {
	Name  string
	Items []ListItem
}

// quartersShown is how many quarters a partner's page shows: the current one and the last complete one.
const quartersShown = 2

// Partner writes the page of one partner.
func (p *Pages) Partner(w io.Writer, partner *Partner) error {
	return p.execute(w, "partner.html", struct {
		*Night
		P        *Partner
		Lead     string
		Alerts   []Alert
		Quarters []quarter
		Lists    []list
	}{p.night, partner, partner.lead(), p.alerts[partner.ID], newestQuarters(partner.Scorecard), groupLists(partner.Lists)})
}

// lead is who the partner is, in one line.
func (p *Partner) lead() string {
	parts := make([]string, 0, 5)
	for _, part := range []string{p.Type, p.Tier, p.Region} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if p.Stage != "" {
		parts = append(parts, Words(p.Stage)+" stage")
	}
	if p.OwnerName != "" {
		parts = append(parts, "managed by "+p.OwnerName)
	}
	return strings.Join(parts, " · ")
}

func newestQuarters(lines []ScorecardLine) []quarter {
	var out []quarter
	index := map[string]int{}
	for i := range lines {
		l := lines[i]
		at, ok := index[l.Period]
		if !ok {
			at = len(out)
			index[l.Period] = at
			out = append(out, quarter{Period: l.Period})
		}
		out[at].IsPartial = out[at].IsPartial || l.IsPartial
		out[at].Lines = append(out[at].Lines, l)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Period > out[j].Period })
	if len(out) > quartersShown {
		out = out[:quartersShown]
	}
	return out
}

func groupLists(items []ListItem) []list {
	var out []list
	index := map[string]int{}
	for i := range items {
		at, ok := index[items[i].List]
		if !ok {
			at = len(out)
			index[items[i].List] = at
			out = append(out, list{Name: items[i].List})
		}
		out[at].Items = append(out[at].Items, items[i])
	}
	return out
}

func (p *Pages) execute(w io.Writer, name string, data any) error {
	if err := p.templates.ExecuteTemplate(w, name, data); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	return nil
}

// trackRecord says what became of partners that were flagged with this band in the held-out quarters.
func (p *Pages) trackRecord(band string) string {
	for _, b := range p.night.Model.Bands {
		if b.Name == band && b.Partners > 0 {
			return "of partners flagged like this " + Percent(b.ObservedPercent) + " left"
		}
	}
	return ""
}

// reasonsShown is how many reasons a manager gets for one partner; the partner's page has all.
const reasonsShown = 3

func firstReasons(reasons []string) []string { return reasons[:min(len(reasons), reasonsShown)] }

// code shows what stands between backticks, commands and names, as code.
func code(text string) template.HTML {
	var b strings.Builder
	parts := strings.Split(text, "`")
	for i, part := range parts {
		part = template.HTMLEscapeString(part)
		switch {
		case i%2 == 0:
			b.WriteString(part)
		case i == len(parts)-1:
			b.WriteString("`" + part)
		default:
			b.WriteString("<code>" + part + "</code>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped
}

// riskNote says what stands behind the partner's risk, or why there is none.
func (p *Partner) riskNote() string {
	text := ""
	if p.Probability != nil && p.ProbabilityLow != nil && p.ProbabilityHigh != nil {
		text = Percent(p.ProbabilityLow) + " to " + Percent(p.ProbabilityHigh)
	}
	note := map[string]string{
		"cold_start":          "new: the usual risk of its segment",
		"no_commercial_event": "none before the first deal",
		"not_fitted":          "no churn model speaks tonight",
		"churned":             "counts as gone already",
		"exited":              "has left the programme",
	}[p.ScoreStatus]
	switch {
	case p.ScoreStatus == "exited" && p.Probability != nil:
		note = "of the day it left"
	case note == "" && p.Band != "":
		note = p.Band + " band"
	case note == "":
		note = Words(p.ScoreStatus)
	}
	return strings.Trim(text+", "+note, ", ")
}

// riskShort is the risk in a list of partners; who has left already has none that anybody could act on.
func (p *Partner) riskShort() string {
	switch p.ScoreStatus {
	case "exited":
		return "left"
	case "churned":
		return "gone"
	}
	return Percent(p.Probability)
}

func decimals(v *float64, n int) string {
	if v == nil {
		return noValue
	}
	return unsigned(strconv.FormatFloat(*v, 'f', n, 64))
}

// bar draws points of 0 to 100 as a bar.
func bar(points *float64) template.HTML {
	width := 0.0
	if points != nil {
		width = min(max(*points, 0), 100)
	}
	return template.HTML(fmt.Sprintf(`<span class="bar"><i style="width:%.0f%%"></i></span>`, width)) //nolint:gosec // a number only
}

// trend draws a score of 0 to 100 over time as a line; fewer than two points draw nothing. A score holds what was dated
// before its day: to people it is the score of the evening before.
func trend(points []Point) template.HTML {
	if len(points) < 2 {
		return ""
	}
	const width, height = 180.0, 44.0
	first, last := points[0].On, points[len(points)-1].On
	span := last.Sub(first).Hours()
	var path strings.Builder
	for i, p := range points {
		x := width * p.On.Sub(first).Hours() / span
		y := height - height*min(max(p.Value, 0), 100)/100
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, x, y)
	}
	evening := func(snapshot time.Time) string { return snapshot.AddDate(0, 0, -1).Format(time.DateOnly) }
	label := fmt.Sprintf("from %s on %s to %s on %s", wholeScore(&points[0].Value), evening(first), wholeScore(&points[len(points)-1].Value), evening(last))
	return template.HTML(fmt.Sprintf( //nolint:gosec // numbers and dates only
		`<svg viewBox="-2 -2 %.0f %.0f" width="184" height="48" role="img" aria-label="%s"><path d="%s" fill="none" stroke="#1f5fa8" stroke-width="2"/></svg><span class="note">%s</span>`,
		width+4, height+4, label, path.String(), label))
}
