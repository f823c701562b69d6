-- What help() finds by words: sections of the manual, recipes, functions, commands of virsh, a line each.

local examples = require("guestlua.prompt.examples")
local help = require("guestlua.prompt.help")
local spelling = require("guestlua.base.spelling")

local search = {}

-- "snapshots" finds a snapshot.
local function stem(word)
  return #word > 4 and word:gsub("s$", "") or word
end

-- The words of a topic, as they are looked for.
local function words_of(topic)
  local words = {}
  for word in topic:lower():gmatch("[%w_]+") do
    words[#words + 1] = stem(word)
  end
  return words
end

-- How well the words fit, and how many of them are there: what is in a name counts more than what is in a text, which has to have the beginning
-- of a word.
local function score(name, text, words)
  local sum, count = 1, 0
  name, text = name:lower(), text:lower()
  for _, word in ipairs(words) do
    local points = name:find("%f[%w]" .. word) and 20 or #word > 3 and name:find(word, 1, true) and 10 or text:find("%f[%w]" .. word) and 1
    sum, count = sum + (points or 0), count + (points and 1 or 0)
  end
  return sum, count
end

-- The line of a text that has the most of the words; the first one, if there are several.
local function line_with(text, words)
  local best, most = text:match("[^\n]+") or "", 0
  for line in text:gmatch("[^\n]+") do
    local points = score("", line, words) - 1
    if points > most then
      best, most = line, points
    end
  end
  return best
end

-- What the line begins with, unless the words come later: then it is cut at its beginning.
local function fitted(title, line, columns, words)
  line = line:gsub("%s+", " "):gsub("^ ", "")
  local head = ("  %s: "):format(title)
  local room = columns - #head
  if words and #line > room then
    local first = #line
    for _, word in ipairs(words) do
      first = math.min(first, line:lower():find(word, 1, true) or #line)
    end
    if first < #line and first > room - 20 then
      local from = line:find("%s", math.max(first - room // 2, 1)) or first
      line = "..." .. line:sub(from)
    end
  end
  return head .. (#line <= room and line or (line:sub(1, room - 3):gsub("[\192-\255]?[\128-\191]*$", "")) .. "...")
end

local function candidates(add)
  for _, section in ipairs(help.cookbook()) do
    add(section.title, ("recipe \"%s\""):format(section.title), section.text, "title")
  end
  for _, section in ipairs(help.manual()) do
    add(section.title, ("\"%s\""):format(section.title), section.text, true)
  end
  for _, class in ipairs(help.classes()) do
    for _, row in ipairs(class.methods) do
      local params = { row.help }
      for _, p in ipairs(row.params) do
        params[#params + 1] = p.name .. " " .. p.help
      end
      add(row.name, class.name .. (row.dotted and "." or ":") .. row.name, table.concat(params, " "))
    end
  end
  for _, row in ipairs(examples.commands()) do
    add(row[1], "virsh " .. row[1], table.concat(row, "\n", 2), true)
  end
end

-- Where the words occur, a line each, the best first: those with all of them, or else those with the most. Nothing of what is called `without`.
-- The second result: whether they have all words.
function search.find(topic, columns, without)
  local words, found, most = words_of(topic), {}, 1
  candidates(function(name, title, text, by_line)
    local points, count = score(name, text, words)
    if count >= most and name ~= without then
      found, most = count > most and {} or found, count
      local line
      if by_line then
        line = by_line == "title" and "  " .. title or fitted(title, line_with(text, words), columns, words)
      else
        line = fitted(title, text:match("^.-%.%f[%s\0]") or text, columns)
      end
      found[#found + 1] = { points = points, at = #found, text = line }
    end
  end)
  table.sort(found, function(a, b)
    return a.points > b.points or a.points == b.points and a.at < b.at
  end)
  return found, most == #words
end

-- The name that may have been meant.
function search.nearest(topic)
  local names = {}
  for _, class in ipairs(help.classes()) do
    names[#names + 1] = class.name
    for _, row in ipairs(class.methods) do
      names[#names + 1] = row.name
    end
  end
  for _, row in ipairs(examples.commands()) do
    names[#names + 1] = row[1]
  end
  return spelling.nearest(topic, names)
end

return search
