#!/usr/bin/perl
# browser.pl [--into FOLDER] PAGE... - opens pages in headless Chromium at 360, 768 and 1440 pixels, light and dark, and on
# paper, and tells as JSON what a person or an operator would notice: requests, messages of the console, what is wider
# than the window, text that has too little contrast, tables without a caption ... and the figures that the page shows.
# With --into also screenshots into that folder. Speaks the DevTools protocol over Chromium's pipe: no port, and it can
# look into a page that allows no script.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use JSON::PP;
use MIME::Base64;
use lib dirname(abs_path(__FILE__));
use Chromium qw(start call wait_for_event evaluate new_page @events);

my $folder;
(undef, $folder) = splice @ARGV, 0, 2 if @ARGV && $ARGV[0] eq '--into';
start(240);

# ---- what is looked at in the page
my $look = <<'END';
(() => {
  const channels = text => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const over = (front, back) => { const a = front[3] ?? 1; return [0, 1, 2].map(i => front[i] * a + back[i] * (1 - a)); };
  const ground = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(channels(getComputedStyle(e).backgroundColor));
    return layers.reduceRight((back, front) => over(front, back), [255, 255, 255]);
  };
  const light = color => {
    const [r, g, b] = color.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => { const x = light(a), y = light(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const pale = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('svg title') || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = channels(element.closest('svg') ? style.fill : style.color);
    const back = ground(element.closest('svg') ? element.closest('svg').parentElement : element);
    if (contrast(over(ink, back), back) < 4.5) pale.add(element.tagName + '.' + element.className + ' ' + walker.currentNode.data.trim().slice(0, 20));
  }
  const wide = [...document.body.querySelectorAll('*')].filter(e => !e.closest('.wide') && !e.closest('svg') &&
    e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName + '.' + e.className);
  const levels = [...document.querySelectorAll('h1, h2, h3')].map(e => +e.tagName[1]);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  return {
    width: innerWidth, scroll_width: document.documentElement.scrollWidth, wide: [...new Set(wide)].slice(0, 9),
    pale: [...pale].slice(0, 9), background: getComputedStyle(document.body).backgroundColor,
    scripts: document.querySelectorAll('script, iframe, object, embed, img, link:not([rel=icon]), base, form').length,
    handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length,
    tables_without_caption: [...document.querySelectorAll('table')].filter(t => !t.caption || !t.caption.textContent).length,
    plots: document.querySelectorAll('svg[role=img]').length,
    plots_without_title: [...document.querySelectorAll('svg[role=img]')].filter(s => !s.querySelector('title')?.textContent).length,
    heading_jumps: levels.filter((l, i) => l > (levels[i - 1] ?? 0) + 1).length,
    repeated_ids: ids.filter((id, i) => ids.indexOf(id) !== i),
    dead_links: [...document.querySelectorAll('a[href^="#"]')].filter(a => !document.querySelector(a.getAttribute('href'))).length,
    outside_links: [...document.querySelectorAll('[href], [src]')].map(e => e.getAttribute('href') || e.getAttribute('src')).filter(u => !/^(#|data:)/.test(u)),
    styled: [...document.styleSheets].reduce((n, s) => n + s.cssRules.length, 0),
    unseen: (document.documentElement.textContent.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g) || []).length,
    injected: typeof window.injected, title: document.title, language: document.documentElement.lang
  };
})()
END

# Names as they are in titles when they are cut, numbers without their grouping, sizes in bytes; shares left out.
my $figures = <<'END';
(() => {
  const number = text => Number(text.replace(/[,≈\s]/g, ''));
  const cell = td => td.title ? number(td.title.replace(/\D+$/, '')) : td.textContent === '' ? null : number(td.textContent);
  const name = th => th.querySelector('bdi[title]')?.title ?? th.textContent;
  const rows = table => [...table.tBodies[0].rows].map(tr => [name(tr.cells[0]),
    ...[...tr.cells].slice(1).filter(td => !td.classList.contains('spare')).map(cell)]);
  const lists = {};
  for (const table of document.querySelectorAll('table[data-list]'))
    lists[table.dataset.list] = [...(lists[table.dataset.list] || []), ...rows(table)];
  for (const id of ['series', 'week', 'kinds'])
    if (document.getElementById(id)) lists[id] = rows(document.getElementById(id));
  const percent = (rect, what) => rect.hasAttribute(what) ? parseFloat(rect.getAttribute(what)) : 0;
  return {
    data: Object.fromEntries([...document.querySelectorAll('data[id]')].map(d => [d.id, Number(d.value)])),
    shown: Object.fromEntries([...document.querySelectorAll('data[id]')].map(d => [d.id, d.textContent])),
    lists, heights: [...document.querySelectorAll('svg.columns')].map(plot => [...plot.querySelectorAll('g')].map(g =>
      [...g.querySelectorAll('rect:not(.hit)')].reduce((sum, rect) => sum + percent(rect, 'height'), 0))),
    tips: [...document.querySelectorAll('svg.columns g title')].map(t => t.textContent),
    headings: [...document.querySelectorAll('h2, h3, caption, th[scope=col], dt, nav a')].map(h => h.textContent),
    approximate: [...document.querySelectorAll('#approximate li')].map(li => li.dataset.figure),
    warnings: [...document.querySelectorAll('.warning')].map(p => p.textContent),
    samples: [...document.querySelectorAll('#samples code')].map(c => c.textContent), text: document.body.textContent
  };
})()
END

sub screenshot {
        my ($file, $width) = @_;
        my $height = call('Page.getLayoutMetrics')->{cssContentSize}{height};
        my $shot = call('Page.captureScreenshot', captureBeyondViewport => JSON::PP::true,
                clip => { x => 0, y => 0, width => $width, height => $height > 8000 ? 8000 : $height, scale => 1 });
        open my $out, '>:raw', $file or die "$file: $!\n";
        print $out decode_base64($shot->{data});
}
sub view {
        my ($page, $name, $width, $scheme, $media) = @_;
        call('Emulation.setDeviceMetricsOverride', width => $width, height => 900, deviceScaleFactor => 1, mobile => JSON::PP::false);
        call('Emulation.setEmulatedMedia', media => $media, features => [{ name => 'prefers-color-scheme', value => $scheme }]);
        my $view = evaluate($look);
        screenshot("$folder/$page-$name.png", $width) if $folder;
        return { name => $name, %$view };
}
sub visit {
        my ($file) = @_;
        my $url = 'file://' . abs_path($file);
        my $page = basename($file, '.html');
        new_page();
        call("$_.enable") for qw(Network Page Runtime Log Audits);
        call('Page.navigate', url => $url);
        wait_for_event('Page.loadEventFired');
        my %found = (requests => [], messages => [], figures => evaluate($figures));
        for my $width (360, 768, 1440) {
                push @{ $found{views} }, view($page, "$width-$_", $width, $_, '') for qw(light dark);
        }
        push @{ $found{views} }, view($page, 'paper', 794, 'light', 'print');
        for (@events) {
                my $p = $_->{params};
                push @{ $found{requests} }, $p->{request}{url} if $_->{method} eq 'Network.requestWillBeSent' && $p->{request}{url} ne $url;
                push @{ $found{messages} }, $p->{entry}{text} if $_->{method} eq 'Log.entryAdded';
                push @{ $found{messages} }, $p->{type} if $_->{method} eq 'Runtime.consoleAPICalled';
                push @{ $found{messages} }, $p->{exceptionDetails}{text} if $_->{method} eq 'Runtime.exceptionThrown';
                push @{ $found{messages} }, $p->{issue}{code} if $_->{method} eq 'Audits.issueAdded';
        }
        return ($page => \%found);
}
my %pages = map { visit($_) } @ARGV;
print JSON::PP->new->utf8->canonical->pretty->encode(\%pages);
