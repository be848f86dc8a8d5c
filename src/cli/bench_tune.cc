// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_tune.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "cli/bench_command.h"
#include "cli/cli.h"
#include "graph/writer.h"

namespace dotori::cli {
namespace {

using graph::Algorithm;
using graph::Graph;
using graph::Link;
using graph::NodeChoice;

// What is this much faster counts; less may be chance.
constexpr double kLayerGain = 0.03, kNetworkGain = 0.01;

// A step of the network in one of the ways.
struct Way {
  std::vector<std::size_t> nodes;
  std::string kernel, others;
  double ms;
};

struct Change {
  std::string layers, from, to;
  double before_ms, after_ms;
};

Graph with_choices(const Graph& graph, std::vector<NodeChoice> choices, int threads) {
  Graph tuned = graph;
  tuned.tunings.push_back({host_isa_name(), threads, std::move(choices)});
  return tuned;
}

bool starts_with(const std::string& text, const char* start) {
  return text.rfind(start, 0) == 0;
}

// The same network in several ways, measured in turns.
class Contest {
 public:
  Contest(const Graph& graph, SessionOptions options) : graph_(graph), options_(options) {
    for (std::size_t n = 0; n < graph.nodes().size(); ++n) index_[graph.nodes()[n].name] = n;
  }

  // `choices` empty: by the estimates.
  Status enter(const std::vector<NodeChoice>& choices, bool profile) {
    options_.profile = profile;
    Graph graph = choices.empty() ? graph_ : with_choices(graph_, choices, 1);
    DOTORI_ASSIGN_OR_RETURN(const Model model, Model::from_graph(std::move(graph)));
    DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model, options_));
    fill_inputs(session);
    sessions_.push_back(std::move(session));
    times_.emplace_back();
    return {};
  }

  Status run(const char* label, int runs) {
    ProgressBar bar(label, static_cast<std::size_t>(runs));
    for (int i = -2; i < runs; ++i) {
      for (std::size_t s = 0; s < sessions_.size(); ++s) {
        const double start = now_ms();
        DOTORI_RETURN_IF_ERROR(sessions_[s].run());
        if (i >= 0) times_[s].push_back(now_ms() - start);
      }
      if (i >= 0) bar.advance();
    }
    return {};
  }

  std::vector<Way> ways(std::size_t session) const {
    std::vector<Way> ways;
    for (const NodeProfile& step : sessions_[session].profile().nodes) {
      Way way{{}, step.kernel, step.others, step.min_ms};
      for (const std::string& name : step.nodes) way.nodes.push_back(index_.at(name));
      ways.push_back(std::move(way));
    }
    return ways;
  }

  int threads() const { return sessions_[0].options().num_threads; }
  double median_ms(std::size_t session) const {
    std::vector<double> sorted = times_[session];
    std::sort(sorted.begin(), sorted.end());
    return quantile(sorted, 0.5);
  }

 private:
  const Graph& graph_;
  SessionOptions options_;
  std::map<std::string, std::size_t> index_;
  std::vector<Session> sessions_;
  std::vector<std::vector<double>> times_;
};

// The fastest ways of all layers.
class Chooser {
 public:
  Chooser(const Graph& graph, const SessionOptions& options, int runs)
      : graph_(graph), options_(options), runs_(runs), choices_(graph.nodes().size()) {}

  Status choose() {
    Contest contest(graph_, options_);
    std::vector<NodeChoice> apart(choices_.size()), chained(choices_.size());
    for (NodeChoice& choice : apart) choice.link = Link::kApart;
    for (NodeChoice& choice : chained) choice.link = Link::kChained;
    DOTORI_RETURN_IF_ERROR(contest.enter({}, true));
    const std::vector<NodeChoice> others = other_algorithms(contest.ways(0));
    DOTORI_RETURN_IF_ERROR(contest.enter(others, true));
    DOTORI_RETURN_IF_ERROR(contest.enter(apart, true));
    DOTORI_RETURN_IF_ERROR(contest.enter(chained, true));
    DOTORI_RETURN_IF_ERROR(contest.run("measuring", runs_));
    choose_algorithms(contest.ways(0), contest.ways(1), others);
    choose_links(contest.ways(0), contest.ways(2), contest.ways(3));
    return {};
  }

  const std::vector<NodeChoice>& choices() const { return choices_; }
  const std::vector<Change>& changes() const { return changes_; }
  int ways() const { return ways_; }

 private:
  // For each layer that has two algorithms, the one that the estimate did not take.
  std::vector<NodeChoice> other_algorithms(const std::vector<Way>& estimated) const {
    std::vector<NodeChoice> others(choices_.size());
    for (const Way& way : estimated) {
      if (way.nodes.size() != 1) continue;
      if (starts_with(way.kernel, "winograd")) others[way.nodes[0]].algorithm = Algorithm::kGemm;
      else if (starts_with(way.others, "winograd: estimated")) others[way.nodes[0]].algorithm = Algorithm::kWinograd;
    }
    return others;
  }

  void choose_algorithms(const std::vector<Way>& estimated, const std::vector<Way>& flipped,
                         const std::vector<NodeChoice>& others) {
    std::map<std::size_t, const Way*> other_way;
    for (const Way& way : flipped)
      if (way.nodes.size() == 1) other_way[way.nodes[0]] = &way;
    for (const Way& way : estimated) {
      const std::size_t node = way.nodes[0];
      const Algorithm other = others[node].algorithm;
      if (other == Algorithm::kEstimated || other_way.count(node) == 0) continue;
      ++ways_;
      const bool better = other_way[node]->ms < (1 - kLayerGain) * way.ms;
      const bool winograd = (other == Algorithm::kWinograd) == better;
      choices_[node].algorithm = winograd ? Algorithm::kWinograd : Algorithm::kGemm;
      if (better)
        changes_.push_back(
            {graph_.nodes()[node].name, way.kernel, other_way[node]->kernel, way.ms, other_way[node]->ms});
    }
  }

  // Those of the chains that gain most, no layer in two.
  void choose_links(const std::vector<Way>& estimated, const std::vector<Way>& apart, const std::vector<Way>& chained) {
    std::map<std::size_t, double> alone;
    for (const Way& way : apart)
      if (way.nodes.size() == 1) alone[way.nodes[0]] = way.ms;
    struct Candidate {
      const Way* chain;
      double alone_ms;
    };
    std::vector<Candidate> candidates;
    std::set<std::vector<std::size_t>> of_estimate;
    for (const std::vector<Way>* ways : {&estimated, &chained}) {
      for (const Way& way : *ways) {
        if (way.nodes.size() < 2) continue;
        if (ways == &estimated) of_estimate.insert(way.nodes);
        double sum = 0;
        for (std::size_t node : way.nodes) {
          sum += alone.count(node) != 0 ? alone[node] : 0;
          choices_[node].link = Link::kApart;
        }
        candidates.push_back({&way, sum});
      }
    }
    ways_ += static_cast<int>(candidates.size());
    std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return a.alone_ms - a.chain->ms > b.alone_ms - b.chain->ms;
    });
    std::set<std::size_t> taken;
    std::set<std::vector<std::size_t>> kept;
    for (const Candidate& c : candidates) {
      const std::vector<std::size_t>& nodes = c.chain->nodes;
      const bool free = std::none_of(nodes.begin(), nodes.end(), [&](std::size_t n) { return taken.count(n) != 0; });
      // What the estimate chains stays so unless it is slower; it saves memory.
      const double least_gain = of_estimate.count(nodes) != 0 ? -kLayerGain : kLayerGain;
      if (!free || c.alone_ms - c.chain->ms <= least_gain * c.alone_ms) continue;
      taken.insert(nodes.begin(), nodes.end());
      kept.insert(nodes);
      for (std::size_t i = 0; i + 1 < nodes.size(); ++i) choices_[nodes[i]].link = Link::kChained;
      if (of_estimate.count(nodes) == 0)
        changes_.push_back({layers(nodes), "apart", c.chain->kernel, c.alone_ms, c.chain->ms});
    }
    for (const Candidate& c : candidates)
      if (of_estimate.count(c.chain->nodes) != 0 && kept.insert(c.chain->nodes).second)
        changes_.push_back({layers(c.chain->nodes), c.chain->kernel, "apart", c.chain->ms, c.alone_ms});
  }

  std::string layers(const std::vector<std::size_t>& nodes) const {
    return graph_.nodes()[nodes.front()].name + " .. " + graph_.nodes()[nodes.back()].name;
  }

  const Graph& graph_;
  const SessionOptions options_;
  const int runs_;
  std::vector<NodeChoice> choices_;
  std::vector<Change> changes_;
  int ways_ = 0;  // layers and chains that could be run in more than one way
};

void print(const TuneRequest& request, const Chooser& chooser, double before, double after, bool stored) {
  if (request.json) {
    Json json = {{"model", request.model},     {"out", request.out},
                 {"isa", host_isa_name()},     {"threads", request.options.num_threads},
                 {"measured", chooser.ways()}, {"before_ms", before},
                 {"after_ms", after},          {"stored", stored}};
    json["changes"] = Json::array();
    for (const Change& c : chooser.changes())
      json["changes"].push_back(
          {{"layers", c.layers}, {"from", c.from}, {"to", c.to}, {"before_ms", c.before_ms}, {"after_ms", c.after_ms}});
    return print_json(json);
  }
  std::printf("%s: %d layers or chains can run in more than one way (isa %s, %d thread%s)\n", request.model.c_str(),
              chooser.ways(), host_isa_name(), request.options.num_threads,
              request.options.num_threads == 1 ? "" : "s");
  for (const Change& c : chooser.changes())
    std::printf("  %.3f -> %.3f ms  %s: %s -> %s\n", c.before_ms, c.after_ms, c.layers.c_str(), c.from.c_str(),
                c.to.c_str());
  std::printf("by the estimates %.3f ms, by the measurements %.3f ms (medians of runs in turns)\n", before, after);
  if (stored) std::printf("%s: the choices are stored for isa %s\n", request.out.c_str(), host_isa_name());
  else std::printf("%s: no gain, so no choices for isa %s are stored\n", request.out.c_str(), host_isa_name());
}

}  // namespace

Status tune(const TuneRequest& asked) {
  TuneRequest request = asked;
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(request.model));
  Graph graph = model.graph();
  const auto own = [](const graph::Tuning& tuning) { return tuning.isa == host_isa_name(); };
  graph.tunings.erase(std::remove_if(graph.tunings.begin(), graph.tunings.end(), own), graph.tunings.end());

  Chooser chooser(graph, request.options, request.runs);
  DOTORI_RETURN_IF_ERROR(chooser.choose());
  Contest final(graph, request.options);
  DOTORI_RETURN_IF_ERROR(final.enter({}, false));
  DOTORI_RETURN_IF_ERROR(final.enter(chooser.choices(), false));
  DOTORI_RETURN_IF_ERROR(final.run("comparing", request.runs));
  request.options.num_threads = final.threads();
  const double before = final.median_ms(0), after = final.median_ms(1);
  const bool stored = !chooser.changes().empty() && after < (1 - kNetworkGain) * before;
  if (stored) graph = with_choices(graph, chooser.choices(), request.options.num_threads);
  DOTORI_ASSIGN_OR_RETURN(const std::vector<unsigned char> bytes, graph::write_graph(graph));
  DOTORI_RETURN_IF_ERROR(graph::write_file_atomically(request.out, {bytes.data(), bytes.size()}));
  print(request, chooser, before, after, stored);
  return {};
}

}  // namespace dotori::cli
