package main

import (
	"image/color"
	"math"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours of podnet, of the machine and its kernel, and of the other peers, and
// more for lines. They differ for the colour-blind as well.
var (
	ours    = color.NRGBA{0x32, 0x6c, 0xe5, 0xff}
	kernels = color.NRGBA{0xe0, 0x7b, 0x00, 0xff}
	others  = color.NRGBA{0x8a, 0x8f, 0x98, 0xff}
	lineSet = []color.Color{ours, kernels, color.NRGBA{0x00, 0x8f, 0x6b, 0xff}, color.NRGBA{0xb0, 0x3a, 0x8f, 0xff}, others,
		color.NRGBA{0x7a, 0x5c, 0x2e, 0xff}, color.NRGBA{0xd0, 0x2c, 0x2c, 0xff}, color.NRGBA{0x00, 0xa3, 0xd9, 0xff},
		color.NRGBA{0x4b, 0x3f, 0xa6, 0xff}, color.NRGBA{0x6c, 0xa0, 0x1d, 0xff}}
)

func init() { plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"} }

// A chart is a plot, with the label of its vertical axis at its left, and its legend,
// if it needs one, at its right: gonum makes no room for the one on a logarithmic axis,
// and has the other only among the curves.
type chart struct {
	*plot.Plot
	labelY string
	legend *plot.Legend
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(8)
	p.Title.TextStyle.Font.Size = 14
	p.X.Label.Padding, p.Y.Label.Padding = vg.Points(4), vg.Points(4)
	return p
}

// A bar is a value with a name, and how far it went up and down.
type bar struct {
	name  string
	color color.Color
	value summary
}

// barChart draws horizontal bars, the first at the top, on a logarithmic scale if the
// values are far apart.
func barChart(title, label string, format func(float64) string, bars []bar) chart {
	p := newPlot(title)
	p.X.Label.Text = label
	least, most := math.Inf(1), 0.0
	names := make([]string, len(bars))
	for i, b := range bars {
		names[len(bars)-1-i] = b.name
		if b.value.n == 0 {
			continue // a gap
		}
		least, most = min(least, b.value.mid), max(most, b.value.high)
	}
	p.Add(barPlotter{bars, format})
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(bars))-0.4
	p.Y.Tick.Length, p.Y.LineStyle.Width = 0, 0
	if least > 0 && most > 20*least {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{format}
		p.X.Min, p.X.Max = least/2, most*3
	} else {
		p.X.Tick.Marker = evenTicks{format}
		p.X.Min, p.X.Max = 0, most*1.2
	}
	return chart{Plot: p}
}

// barPlotter draws the bars, a line from quartile to quartile, and the values. One
// without a value leaves a gap.
type barPlotter struct {
	bars   []bar
	format func(float64) string
}

func (b barPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	text := p.X.Tick.Label
	text.XAlign, text.YAlign = draw.XLeft, draw.YCenter
	for i, one := range b.bars {
		if one.value.n == 0 {
			continue
		}
		y := float64(len(b.bars) - 1 - i)
		top, bottom, left := toY(y+0.35), toY(y-0.35), toX(p.X.Min)
		end := toX(one.value.mid)
		c.FillPolygon(one.color, []vg.Point{{X: left, Y: bottom}, {X: end, Y: bottom}, {X: end, Y: top}, {X: left, Y: top}})
		high := toX(max(one.value.high, one.value.mid))
		c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: vg.Points(1)}, toX(max(one.value.low, p.X.Min)), toY(y), high, toY(y))
		c.FillText(text, vg.Point{X: high + vg.Points(4), Y: toY(y)}, b.format(one.value.mid))
	}
}

// A curve is summaries over sizes.
type curve struct {
	name string
	xs   []float64
	ys   []summary
}

// lineChart draws curves, with a bar from quartile to quartile at each point. The
// scale is logarithmic if the numbers go far, and that of the values if logY is set:
// else it begins with zero.
func lineChart(title, labelX, labelY string, format func(float64) string, logY bool, curves []curve) (chart, error) {
	p := newPlot(title)
	p.X.Label.Text = labelX
	legend := plot.NewLegend()
	legend.Left, legend.Top, legend.Padding = true, true, vg.Points(3)
	least, most := math.Inf(1), 0.0
	far := 0.0
	for i, c := range curves {
		points := make(plotter.XYs, len(c.xs))
		spread := make(plotter.YErrors, len(c.xs))
		for k, x := range c.xs {
			y := c.ys[k]
			points[k] = plotter.XY{X: x, Y: y.mid}
			spread[k].Low, spread[k].High = y.mid-y.low, y.high-y.mid
			least, most = min(least, y.low), max(most, y.high)
			far = max(far, x)
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return chart{}, err
		}
		bars, err := plotter.NewYErrorBars(struct {
			plotter.XYs
			plotter.YErrors
		}{points, spread})
		if err != nil {
			return chart{}, err
		}
		line.Color, dots.Color, bars.Color = lineSet[i%len(lineSet)], lineSet[i%len(lineSet)], lineSet[i%len(lineSet)]
		line.Width, dots.Shape = vg.Points(2), draw.CircleGlyph{}
		p.Add(line, dots, bars)
		legend.Add(c.name, line)
	}
	p.X.Tick.Marker = evenTicks{count}
	if far > 20 {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{count}
	}
	if logY && least > 0 {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{format}
		p.Y.Min, p.Y.Max = least/1.5, most*1.5
	} else {
		p.Y.Tick.Marker = evenTicks{format}
		p.Y.Min, p.Y.Max = 0, most*1.15
	}
	if len(curves) == 1 {
		return chart{p, labelY, nil}, nil
	}
	return chart{p, labelY, &legend}, nil
}

// logTicks are at 1, 2 and 5 of each power of ten, or at the powers alone if there
// are many.
type logTicks struct{ format func(float64) string }

func (t logTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	many := high/low > 2e3
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, power)
			if v < low*0.999 || v > high*1.001 {
				continue
			}
			tick := plot.Tick{Value: v}
			if m == 1 || !many {
				tick.Label = short(t.format(v))
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// evenTicks are gonum's own, with a unit.
type evenTicks struct{ format func(float64) string }

func (t evenTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = short(t.format(ticks[i].Value))
		}
	}
	return ticks
}

// save writes a chart. A font that the reader does not have gives way to his own.
func (c chart) save(height vg.Length, name string) error {
	const width, margin, legend = vg.Length(640), vg.Length(12), vg.Length(175)
	canvas := vgsvg.New(width, height)
	area := draw.New(canvas)
	area.SetColor(color.White)
	area.Fill(area.Rectangle.Path())
	area = draw.Crop(area, margin, -margin, margin, -margin)
	if c.legend != nil {
		c.legend.Draw(draw.Crop(area, width-2*margin-legend, 0, 0, -vg.Points(30)))
		area = draw.Crop(area, 0, -legend-margin, 0, 0)
	}
	if c.labelY != "" {
		style := c.Y.Label.TextStyle
		style.Rotation, style.XAlign, style.YAlign = math.Pi/2, draw.XCenter, draw.YTop
		area.FillText(style, vg.Point{X: area.Min.X, Y: area.Center().Y}, c.labelY)
		area = draw.Crop(area, style.FontExtents().Height+vg.Points(4), 0, 0, 0)
	}
	c.Draw(area)
	var b strings.Builder
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	text := strings.ReplaceAll(b.String(), "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif")
	return os.WriteFile(name, []byte(text), 0o644)
}
