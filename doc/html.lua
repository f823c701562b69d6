-- guestlua doc/html.lua DIRECTORY: the manual as HTML there. Markdown is rendered by cmark-gfm, the man page by mandoc.

package.path = "./?.lua;" .. package.path

local directory = ...

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

local function render(page)
  if page.from:find("%.1$") then
    return output_of("mandoc -T html -O fragment " .. page.from)
  end
  page.headings = {}
  return (output_of("cmark-gfm -e table " .. page.from)
    :gsub("<h2>(.-)</h2>", function(text)
      local id = anchor(page, text)
      table.insert(page.headings, { id = id, text = page.reference and id or text })
      return ('<h2 id="%s"><a href="#%s">%s</a></h2>'):format(id, id, text)
    end)
    :gsub('href="([^":]*)%.md(#?[^"]*)"', function(path, fragment)
      path = path:gsub("manual$", "index")
      return ('href="%s.html%s"'):format(path, fragment)
    end))
end

-- The list of pages, with the headings of the one that it stands on.
local function navigation(current, root)
  local items = {}
  for _, page in ipairs(pages) do
    local below = {}
    for _, heading in ipairs(page == current and page.headings or {}) do
      below[#below + 1] = ('<li><a href="#%s">%s</a></li>'):format(heading.id, heading.text)
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
<nav><ul>
%s
</ul></nav>
<main>
%s</main>
</body>
</html>
]]

assert(os.execute(("mkdir -p '%s/reference' && cp doc/style.css '%s'"):format(directory, directory)))
for _, page in ipairs(pages) do
  local root = page.reference and "../" or ""
  local body = render(page)
  local file <close> = assert(io.open(directory .. "/" .. page.to, "w"))
  assert(file:write(frame:format(page.title, root, navigation(page, root), body)))
end
