// visits.js - what `understudy analyze tag` writes beside the pages. It sends page views, navigation without loading,
// links that lead out, events and Core Web Vitals to "b" beside itself; what is sent is described in
// src/accesslog/beacon.h. No cookie is set and nothing is stored in the browser; nothing is sent when the browser asks not
// to be followed (Global Privacy Control) or its user has opted out (the cookie that .../off sets).
//
// The build drops comments and newlines (src/analyze/visits.sed) and nothing else, and what is left must be below 1 KB: so
// names are short, and each is told where it is made.
(()=>{
// E: listens. q: where to. p: the page's address, without the fragment, which may hold secrets. f: the first page.
// z: the last page that was counted. L, C, I: LCP, CLS (below 0: this browser does not measure it), INP.
// w, a, b: layout shifts count in windows (w: the sum) of 5 seconds (a: the begin) with gaps below 1 (b: the last shift).
let d=document,l=location,n=navigator,h=history,g=h.pushState,E=addEventListener,
q=d.currentScript.src+"/../b",
p=()=>l.href.split("#")[0],f=p(),z,L,C=-!self.LayoutShift,I=0,w,a,b,t,
// s: sends.
s=(e,o)=>n.globalPrivacyControl||/us_off/.test(d.cookie)||n.sendBeacon(q,""+new URLSearchParams({e,u:p(),...o})),
// v: a page is seen, unless it is the one that was counted last.
v=()=>{let u=p();u!=z&&s(z?"n":"v",{r:z||d.referrer});z=u},
// o: hands the entries of a kind to k. Browsers that do not have the kind say so on their console.
o=(type,k)=>new PerformanceObserver(x=>x.getEntries().map(k)).observe({type,buffered:1,durationThreshold:40});
self.understudy=(n,x)=>s("e",{...x,n});
h.pushState=(...x)=>{g.apply(h,x);v()};
E("popstate",v);
E("click",e=>{let t=e.target.closest("a[href]");t&&t.host&&t.host!=l.host&&s("o",{n:t.origin+t.pathname})},1);
E("visibilitychange",()=>d.hidden&&L&&s("w",{u:f,l:L|0,c:C*1e3|0,i:I|0},L=0));
d.prerendering?d.onprerenderingchange=v:v();
o("largest-contentful-paint",x=>L=x.startTime);
o("event",x=>x.interactionId&&(I=Math.max(I,x.duration)));
o("layout-shift",x=>x.hadRecentInput||((t=x.startTime)-b<1e3&&t-a<5e3||(w=0,a=t),b=t,w+=x.value,C=Math.max(C,w)))
})()
