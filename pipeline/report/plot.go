package report

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Size and layout of the plot of the backtest, in points.
const (
	plotWidth, plotHeight vg.Length = 600, 340
	titleSize, textSize   vg.Length = 13, 10
	// subtitleDown, legendDown and plotDown are how far below the top edge each begins.
	subtitleDown, legendDown, plotDown vg.Length = 19, 36, 62
	// mostNames is how many quarters have room for their names.
	mostNames = 12
	// beside is how far the marks of a quarter stand apart, in quarters.
	beside = 0.1
)

// The colours stay apart for eyes that see no red or no green (palette of Okabe and Ito), and the marks differ in shape.
var (
	plotInk     = color.RGBA{R: 0x1d, G: 0x27, B: 0x33, A: 0xff}
	plotSoft    = color.RGBA{R: 0x5b, G: 0x68, B: 0x75, A: 0xff}
	plotLine    = color.RGBA{R: 0xdd, G: 0xe3, B: 0xe9, A: 0xff}
	plotModel   = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	plotRecency = color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
)

// PlotBacktest draws the share of flagged partners that left, quarter by quarter, with its interval, beside what the
// days since the last deal alone would have done and the share of all partners. It returns an SVG document that is
// titled with its finding and tells its numbers in words; the same night gives the same bytes.
func PlotBacktest(n *ModelNight) ([]byte, error) {
	canvas := vgsvg.New(plotWidth, plotHeight)
	c := draw.New(canvas)
	c.FillText(plotText(titleSize, plotInk, true), vg.Point{X: 0, Y: plotHeight}, n.BacktestFinding())
	if quarters := n.judged(); len(quarters) > 0 {
		c.FillText(plotText(textSize, plotSoft, false), vg.Point{X: 0, Y: plotHeight - subtitleDown}, n.backtestSubtitle())
		if err := drawBacktest(c, quarters); err != nil {
			return nil, fmt.Errorf("plot backtest: %w", err)
		}
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write plot: %w", err)
	}
	return describe(b.String(), n.BacktestFinding(), n.BacktestInWords()), nil
}

// backtestSubtitle says what is drawn.
func (n *ModelNight) backtestSubtitle() string {
	within := "within the horizon"
	if m := n.Reported(); m != nil {
		within = fmt.Sprintf("within %d days", m.HorizonDays)
	}
	return "Share that left " + within + ", by the quarter at whose start they were flagged"
}

func plotText(size vg.Length, ink color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size, Weight: 2}
	}
	return text.Style{Color: ink, Font: f, XAlign: draw.XLeft, YAlign: draw.YTop, Handler: plot.DefaultTextHandler}
}

// marks are the points of one series and how they look.
type marks struct {
	name   string
	points plotter.XYs
	// errors are the lengths of the whiskers, 0 for none.
	errors plotter.YErrors
	style  draw.GlyphStyle
	line   *draw.LineStyle
}

func backtestMarks(quarters []BacktestQuarter) []marks {
	model := marks{name: "flagged by the churn score, with 95 % interval", style: draw.GlyphStyle{Color: plotModel, Radius: 4.5, Shape: draw.CircleGlyph{}}}
	recency := marks{name: "as many by days since the last deal", style: draw.GlyphStyle{Color: plotRecency, Radius: 4.5, Shape: draw.PyramidGlyph{}}}
	everyone := marks{name: "all partners at risk", line: &draw.LineStyle{Color: plotSoft, Width: 1.5, Dashes: []vg.Length{4, 3}}}
	for i, q := range quarters {
		x := float64(i)
		if q.BaseRate != nil {
			everyone.points = append(everyone.points, plotter.XY{X: x - 0.5, Y: *q.BaseRate}, plotter.XY{X: x + 0.5, Y: *q.BaseRate})
		}
		if q.PrecisionRecency != nil {
			recency.points = append(recency.points, plotter.XY{X: x + beside, Y: *q.PrecisionRecency})
		}
		p := q.Precision
		model.points = append(model.points, plotter.XY{X: x - beside, Y: *p.Value})
		whisker := struct{ Low, High float64 }{}
		if p.Low != nil && p.High != nil {
			whisker.Low, whisker.High = *p.Value-*p.Low, *p.High-*p.Value
		}
		model.errors = append(model.errors, whisker)
	}
	return []marks{model, recency, everyone}
}

func drawBacktest(c draw.Canvas, quarters []BacktestQuarter) error {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	var names []plot.Tick
	every := 1 + (len(quarters)-1)/mostNames
	for i, q := range quarters {
		tick := plot.Tick{Value: float64(i)}
		if i%every == 0 {
			tick.Label = q.Quarter
		}
		names = append(names, tick)
	}
	p.X.Min, p.X.Max, p.X.Tick.Marker = -0.5, float64(len(quarters))-0.5, plot.ConstantTicks(names)
	p.Y.Min, p.Y.Max = 0, 0.05
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Padding, axis.LineStyle.Width, axis.Tick.LineStyle.Width = 0, 0, 0
		axis.Tick.Label.Font = plotText(textSize, plotSoft, false).Font
		axis.Tick.Label.Color = plotSoft
	}
	// Room for a mark at nothing.
	p.X.Padding = textSize / 2
	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Color = 0, plotLine
	p.Add(grid)
	x := vg.Length(0)
	for _, m := range backtestMarks(quarters) {
		if len(m.points) == 0 {
			continue
		}
		thumb, err := m.add(p)
		if err != nil {
			return err
		}
		x = legend(c, x, m.name, thumb)
	}
	p.Y.Max = math.Min(1, math.Ceil(10*p.Y.Max)/10)
	p.Y.Tick.Marker = plot.ConstantTicks(shareTicks(p.Y.Max))
	p.X.Min, p.X.Max = -0.5, float64(len(quarters))-0.5
	p.Draw(draw.Crop(c, 0, -4, 0, -plotDown))
	return nil
}

// add adds the series and returns what stands for it in the legend.
func (m *marks) add(p *plot.Plot) (plot.Thumbnailer, error) {
	if m.line != nil {
		line, err := plotter.NewLine(m.points)
		if err != nil {
			return nil, err
		}
		line.LineStyle = *m.line
		p.Add(line)
		return line, nil
	}
	if len(m.errors) > 0 {
		bars, err := plotter.NewYErrorBars(struct {
			plotter.XYs
			plotter.YErrors
		}{m.points, m.errors})
		if err != nil {
			return nil, err
		}
		bars.LineStyle = draw.LineStyle{Color: m.style.Color, Width: 1.5}
		p.Add(bars)
	}
	dots, err := plotter.NewScatter(m.points)
	if err != nil {
		return nil, err
	}
	dots.GlyphStyle = m.style
	p.Add(dots)
	return dots, nil
}

// legend draws one entry at x of the legend's row and returns where the next one begins.
func legend(c draw.Canvas, x vg.Length, name string, thumb plot.Thumbnailer) vg.Length {
	const width, half, gap vg.Length = 22, 6, 18
	middle := plotHeight - legendDown - half
	thumb.Thumbnail(&draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: x, Y: middle - half}, Max: vg.Point{X: x + width, Y: middle + half}}})
	style := plotText(textSize, plotInk, false)
	style.YAlign = draw.YCenter
	c.FillText(style, vg.Point{X: x + width + half, Y: middle}, name)
	return x + width + half + style.Width(name) + gap
}

// shareTicks are the ticks of an axis of shares, in per cent.
func shareTicks(most float64) []plot.Tick {
	step := 0.1
	if most > 0.5 {
		step = 0.2
	}
	var out []plot.Tick
	for i := 0; float64(i)*step <= most+1e-9; i++ {
		out = append(out, plot.Tick{Value: float64(i) * step, Label: fmt.Sprintf("%.0f %%", 100*float64(i)*step)})
	}
	return out
}

// BacktestInWords tells the plot to those who do not see it.
func (n *ModelNight) BacktestInWords() string {
	quarters := n.judged()
	if len(quarters) == 0 {
		return n.BacktestSentence()
	}
	parts := make([]string, 0, len(quarters))
	for _, q := range quarters {
		part := fmt.Sprintf("%s: %d of %d flagged left, %s%s", q.Quarter, q.Caught, q.Flagged, Percent(q.Precision.Value), intervalText(q.Precision, Percent, ", 95 % interval "))
		if q.PrecisionRecency != nil {
			part += "; by days since the last deal " + Percent(q.PrecisionRecency)
		}
		if q.BaseRate != nil {
			part += "; of all partners " + Percent(q.BaseRate)
		}
		parts = append(parts, part)
	}
	return "Share of the flagged partners that left, by the quarter at whose start they were flagged. " + strings.Join(parts, ". ") + "."
}

// describe makes the plot stand alone: without the prologue, so that it can lie in a page too, in whatever sans-serif
// font there is, with title and description for those who do not see it.
func describe(svg, title, words string) []byte {
	if at := strings.Index(svg, "<svg "); at > 0 {
		svg = svg[at:]
	}
	head, body, _ := strings.Cut(svg, ">\n")
	head = strings.Replace(head, "<svg ", `<svg role="img" aria-labelledby="backtest-title backtest-words" class="plot" `, 1)
	body = strings.ReplaceAll(body, "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	return []byte(fmt.Sprintf("%s>\n<title id=\"backtest-title\">%s</title>\n<desc id=\"backtest-words\">%s</desc>\n%s",
		head, html.EscapeString(title), html.EscapeString(words), body))
}
