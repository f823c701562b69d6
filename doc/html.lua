-- guestlua doc/html.lua DIRECTORY: the manual as HTML there. Markdown is rendered by cmark-gfm, the man page by mandoc.

package.path = "./?.lua;" .. package.path

local directory = ...

local keyword = {}
for _, word in ipairs(require("guestlua.base.words").keywords) do
  keyword[word] = true
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  return pipe:close() and text or error("failed: " .. command, 0)
end

-- The pages in the order of the navigation: what is read, what is written, and the title.
local pages = {
  { from = "doc/manual.md", to = "index.html", title = "The manual" },
  { from = "doc/tutorial.md", to = "tutorial.html", title = "The first hour" },
  { from = "doc/cookbook.md", to = "cookbook.html", title = "Cookbook" },
  { from = "doc/coming_from.md", to = "coming_from.html", title = "Coming from virsh, Python, Nova" },
  { from = "doc/virsh.md", to = "virsh.html", title = "virsh's commands" },
  { from = "doc/limits.md", to = "limits.html", title = "Limits and packages" },
  { from = "doc/guestlua.1", to = "guestlua.1.html", title = "The command" },
  { from = "doc/departures.md", to = "departures.html", title = "Departures" },
}
for _, class in ipairs(require("doc.classes")) do
  local name = class.name
  pages[#pages + 1] = { from = "doc/reference/" .. name .. ".md", to = "reference/" .. name .. ".html", title = name, reference = true }
end

-- What a heading is called in links: a method by its name, anything else as GitHub would call it.
local function anchor(page, html)
  local text = html:gsub("<[^>]*>", ""):gsub("&%w+;", "")
  return page.reference and (text:match("([%w_]+)%(") or text:match("%.([%w_]+)$")) or text:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-")
end

local function unescaped(html)
  return (html:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&amp;", "&"))
end

-- Lua in colours: each word of a kind in a span of that class.
local function coloured(html)
  local text = unescaped(html)
  local out, at = {}, 1
  local function escape(part)
    return (part:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
  end
  while at <= #text do
    local kind, part = "c", text:match("^%-%-[^\n]*", at)
    if not part then
      kind, part = "s", text:match('^"[^"\n]*"', at) or text:match("^'[^'\n]*'", at)
    end
    if not part then
      part = text:match("^[%a_][%w_]*", at)
      kind = part and keyword[part] and "k" or nil
    end
    if not part then
      kind, part = "n", text:match("^%d[%w.]*", at)
    end
    if not part then
      kind, part = nil, text:match("^.[\128-\191]*", at)
    end
    out[#out + 1] = kind and ('<span class="%s">%s</span>'):format(kind, escape(part)) or escape(part)
    at = at + #part
  end
  return table.concat(out)
end

-- A block that says so, or that compiles but for what is left out in it ("…"): shell, JSON and YAML do not.
local function is_lua(open, html)
  return open:find("language-lua", 1, true) or load(unescaped(html):gsub(" = …", " = nil"):gsub("…", ""), "", "t") ~= nil
end

-- What is read as HTML, with headings of the second and third level that have no id yet, or that of mandoc.
local function rendered(page)
  if not page.from:find("%.1$") then
    return output_of("cmark-gfm -e table " .. page.from)
  end
  return (output_of("mandoc -T html -O fragment " .. page.from)
    :gsub('<h1 class="Sh" id="([^"]*)"><a[^>]*>(.-)</a></h1>', '<h2 id="%1">%2</h2>')
    :gsub('<h2 class="Ss" id="([^"]*)"><a[^>]*>(.-)</a></h2>', '<h3 id="%1">%2</h3>'))
end

local function render(page)
  page.headings = {}
  return (rendered(page)
    :gsub('<h([23])([^>]*)>(.-)</h[23]>', function(level, attributes, text)
      local id = attributes:match('id="(.-)"') or anchor(page, text)
      table.insert(page.headings, { id = id, text = page.reference and id or text, level = level })
      return ('<h%s id="%s"><a href="#%s">%s</a></h%s>'):format(level, id, id, text, level)
    end)
    :gsub("(<pre[^>]*><code[^>]*>)(.-)(</code></pre>)", function(open, text, close)
      return open .. (is_lua(open, text) and coloured(text) or text) .. close
    end)
    :gsub("<table.->.-</table>", '<div class="wide">%0</div>')
    :gsub('href="([^":]*)%.md(#?[^"]*)"', function(path, fragment)
      path = path:gsub("manual$", "index")
      return ('href="%s.html%s"'):format(path, fragment)
    end))
end

-- What a page has under each heading, for the search: a list of {title, link, words}.
local function add_entries(entries, page, body)
  local function add(title, fragment, text)
    text = unescaped(text:gsub("<[^>]*>", " ")):gsub("%s+", " ")
    entries[#entries + 1] = { title, page.to .. fragment, text }
  end
  body = body:gsub('<h[23] id="', "\0%0")
  add(page.title, "", body:match("^[^%z]*"))
  for id, title, text in body:gmatch('%z<h[23] id="([^"]*)">(.-)</h[23]>([^%z]*)') do
    title = title:gsub("<[^>]*>", ""):gsub("%s+", " ")
    local owner = page.reference and (title:find(page.title .. ".", 1, true) == 1 and "" or page.title) or page.title .. ": "
    add(owner .. title, "#" .. id, text)
  end
end

-- A JavaScript string, which no </script> can end.
local function quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("%c", " "):gsub("<", "\\u003c") .. '"'
end

local function write_index(entries)
  local lines = {}
  for i, entry in ipairs(entries) do
    lines[i] = ("[%s,%s,%s]"):format(quoted(entry[1]), quoted(entry[2]), quoted(entry[3]))
  end
  local file <close> = assert(io.open(directory .. "/index.js", "w"))
  assert(file:write("const pages = [\n", table.concat(lines, ",\n"), "\n];\n"))
end

-- The list of pages, with the headings of the one that it stands on.
local function navigation(current, root)
  local items = {}
  for i, page in ipairs(pages) do
    local below = {}
    for _, heading in ipairs(page == current and page.headings or {}) do
      below[#below + 1] = ('<li class="level%s"><a href="#%s">%s</a></li>'):format(heading.level, heading.id, heading.text)
    end
    if page.reference and not pages[i - 1].reference then
      items[#items + 1] = '<li class="part">Reference</li>'
    end
    items[#items + 1] = ('<li><a href="%s%s"%s>%s</a>%s</li>'):format(root, page.to, page == current and ' aria-current="page"' or "", page.title,
      #below > 0 and "<ul>" .. table.concat(below) .. "</ul>" or "")
  end
  return table.concat(items, "\n")
end

local frame = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%s - guestlua</title>
<link rel="stylesheet" href="%sstyle.css">
</head>
<body>
<nav>
<input type="search" id="search-field" placeholder="Search ( / )" aria-label="Search the manual" data-root="%s" autocomplete="off">
<ul id="search-results" hidden></ul>
<details open><summary>Contents</summary><ul>
%s
</ul></details></nav>
<main>
%s</main>
<script src="%sindex.js"></script>
<script src="%ssearch.js"></script>
</body>
</html>
]]

assert(os.execute(("mkdir -p '%s/reference' && cp doc/style.css doc/search.js doc/demo.svg '%s'"):format(directory, directory)))
local entries = {}
for _, page in ipairs(pages) do
  local root = page.reference and "../" or ""
  local body = render(page)
  add_entries(entries, page, body)
  local file <close> = assert(io.open(directory .. "/" .. page.to, "w"))
  assert(file:write(frame:format(page.title, root, root, navigation(page, root), body, root, root)))
end
write_index(entries)
