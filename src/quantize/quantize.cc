// SPDX-License-Identifier: Apache-2.0
#include "quantize/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include "graph/passes/rewrite.h"
#include "quantize/adaround.h"
#include "quantize/bias_correction.h"
#include "quantize/equalize.h"
#include "quantize/layer_report.h"
#include "quantize/lower.h"
#include "quantize/observer.h"
#include "quantize/sensitivity.h"
#include "quantize/watch.h"

namespace dotori::quantize {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

// What a comparison of two ways to quantise, or of a layer's harm, looks at.
constexpr std::size_t kQuickSamples = 8;
constexpr std::size_t kHarmSamples = 2;

Status check_arguments(const Graph& fp32, const Calibration& data, const Options& options) {
  if (data.samples == 0 || !data.fill) return invalid_argument("quantising needs at least one calibration sample");
  for (DataType type : {options.input_type, options.output_type}) {
    if (type != DataType::kFloat32 && type != DataType::kInt8 && type != DataType::kUint8) {
      return invalid_argument(std::string("inputs and outputs can be float32, int8 or uint8, not ") +
                              data_type_name(type));
    }
  }
  for (const std::string& name : options.keep_fp32) {
    const bool known =
        std::any_of(fp32.nodes().begin(), fp32.nodes().end(), [&](const Node& node) { return node.name == name; });
    if (!known) return invalid_argument("there is no node '" + name + "' to keep in float32");
  }
  for (const graph::Value& value : fp32.values()) {
    if (value.type.type == DataType::kInt8 && !value.quantization.empty()) {
      return invalid_argument("the network is quantised already: value '" + value.name + "' is int8");
    }
  }
  return {};
}

// One way to quantise, as far as it does not depend on which nodes stay float32.
struct Recipe {
  Graph prepared;
  Encodings encodings;
  int equalized = 0;
  Adjustments adjustments;
};

class Quantizer {
 public:
  Quantizer(const Graph& fp32, const Calibration& data, const Options& options)
      : fp32_(fp32), data_(data), options_(options) {}

  Result<Quantized> run() {
    DOTORI_ASSIGN_OR_RETURN(plain_, prepare(fp32_));
    DOTORI_ASSIGN_OR_RETURN(Recipe recipe, best_recipe());
    const std::vector<bool> int8 = choose_int8(recipe.prepared, options_.keep_fp32);
    if (std::none_of(int8.begin(), int8.end(), [](bool b) { return b; })) {
      return invalid_argument("no layer of the network can be quantised");
    }
    if (options_.adaround) {
      DOTORI_ASSIGN_OR_RETURN(recipe.adjustments.weights,
                              adapt_rounding(recipe.prepared, int8, recipe.encodings, data_, data_.samples, options_));
    }
    if (options_.bias_correction) DOTORI_RETURN_IF_ERROR(correct(&recipe, int8));

    LowerOptions lower_options;
    lower_options.keep_fp32 = options_.keep_fp32;
    lower_options.adjustments = &recipe.adjustments;
    Quantized result;
    if (options_.metric) DOTORI_RETURN_IF_ERROR(meet_metric(recipe, &lower_options, &result));
    DOTORI_ASSIGN_OR_RETURN(const Graph float_io, lower(recipe.prepared, recipe.encodings, lower_options));
    graph::QuantizationReport& about = result.graph.quantization;
    about.method = method(recipe, lower_options);
    about.calibration_samples = static_cast<std::int32_t>(data_.samples);
    const Encodings unified =
        unify(recipe.prepared, choose_int8(recipe.prepared, lower_options.keep_fp32), recipe.encodings);
    DOTORI_RETURN_IF_ERROR(report_layers(recipe.prepared, float_io, unified, data_,
                                         std::min(data_.samples, kQuickSamples), options_, &about, &result.worst));
    lower_options.input_type = options_.input_type;
    lower_options.output_type = options_.output_type;
    graph::QuantizationReport report = std::move(result.graph.quantization);
    DOTORI_ASSIGN_OR_RETURN(result.graph, lower(recipe.prepared, recipe.encodings, lower_options));
    result.graph.quantization = std::move(report);
    return result;
  }

 private:
  bool is_activation(const Graph& graph, ValueId id) const {
    const graph::Value& value = graph.value(id);
    return value.type.type == DataType::kFloat32 && !value.is_constant();
  }

  std::vector<ValueId> activations(const Graph& graph) const {
    std::vector<ValueId> ids;
    for (std::size_t v = 0; v < graph.values().size(); ++v) {
      const ValueId id = {static_cast<std::int32_t>(v)};
      if (is_activation(graph, id)) ids.push_back(id);
    }
    return ids;
  }

  Result<std::vector<Extremes>> observe_extremes(const Graph& graph, const char* stage) {
    const std::vector<ValueId> watched = activations(graph);
    std::vector<Extremes> extremes(graph.values().size());
    DOTORI_RETURN_IF_ERROR(watch(
        graph, watched, data_, data_.samples, options_, stage,
        [&](std::size_t which, std::size_t, const TensorView& view) { extremes[index(watched[which])].add(view); }));
    for (ValueId id : watched) {
      if (!extremes[index(id)].finite) {
        return invalid_argument("value '" + graph.value(id).name +
                                "' is not finite for some calibration sample; the network cannot be quantised");
      }
    }
    return extremes;
  }

  // Ranges that follow from the operator.
  static Encoding fixed_encoding(const Node& node) {
    constexpr float kUnit = 1.0f / 256;
    if (std::holds_alternative<graph::Softmax>(node.op)) return {kUnit, -128, graph::RangeMethod::kFixed};
    const auto* unary = std::get_if<graph::Unary>(&node.op);
    if (unary == nullptr) return {};
    switch (unary->activation.function) {
      case graph::Function::kSigmoid:
      case graph::Function::kHardSigmoid: return {kUnit, -128, graph::RangeMethod::kFixed};
      case graph::Function::kTanh: return {1.0f / 128, 0, graph::RangeMethod::kFixed};
      default: return {};
    }
  }

  // By value: the unary function that alone reads it; identity for all others.
  static std::vector<graph::Activation> read_through(const Graph& graph) {
    const graph::Uses uses(graph);
    std::vector<graph::Activation> functions(graph.values().size());
    for (const Node& node : graph.nodes()) {
      const auto* unary = std::get_if<graph::Unary>(&node.op);
      if (unary != nullptr && uses.has_one_reader(node.inputs[0])) {
        functions[index(node.inputs[0])] = unary->activation;
      }
    }
    return functions;
  }

  Result<std::vector<Distribution>> observe_distributions(const Graph& graph, const std::vector<Extremes>& extremes) {
    const std::vector<ValueId> watched = activations(graph);
    std::vector<Distribution> seen(graph.values().size());
    if (options_.observer == Observer::kMinMax || options_.observer == Observer::kAverage) return seen;
    for (ValueId id : watched) seen[index(id)] = Distribution(extremes[index(id)]);
    DOTORI_RETURN_IF_ERROR(
        watch(graph, watched, data_, data_.samples, options_, "counting values",
              [&](std::size_t which, std::size_t, const TensorView& view) {
                seen[index(watched[which])].add({view.f32(), static_cast<std::size_t>(view.elements())});
              }));
    return seen;
  }

  Encodings encodings_of(const Graph& graph, const std::vector<Extremes>& extremes,
                         const std::vector<Distribution>& seen, bool weighted) const {
    const std::vector<graph::Activation> functions = read_through(graph);
    Encodings encodings(graph.values().size());
    for (ValueId id : activations(graph)) {
      // Pictures use their whole range, whatever the photos at hand do.
      const bool input = std::find(graph.inputs.begin(), graph.inputs.end(), id) != graph.inputs.end();
      encodings[index(id)] =
          choose_encoding(extremes[index(id)], seen[index(id)], input ? Observer::kMinMax : options_.observer,
                          {weighted, functions[index(id)]});
    }
    for (const Node& node : graph.nodes()) {
      const Encoding fixed = fixed_encoding(node);
      if (fixed.known()) encodings[index(node.outputs[0])] = fixed;
    }
    return encodings;
  }

  Result<double> quality(const Recipe& recipe) {
    LowerOptions lower_options;
    lower_options.keep_fp32 = options_.keep_fp32;
    lower_options.adjustments = &recipe.adjustments;
    DOTORI_ASSIGN_OR_RETURN(const Graph graph, lower(recipe.prepared, recipe.encodings, lower_options));
    return output_quality(plain_, graph, data_, std::min(data_.samples, kQuickSamples), options_, "comparing outputs");
  }

  // Adds the ways to choose ranges for `graph`.
  Status add_recipes(const Graph& graph, int equalized, const std::vector<Extremes>& extremes,
                     std::vector<Recipe>* recipes) {
    DOTORI_ASSIGN_OR_RETURN(const std::vector<Distribution> seen, observe_distributions(graph, extremes));
    for (bool weighted : {true, false}) {
      Recipe recipe;
      recipe.prepared = graph;
      recipe.equalized = equalized;
      recipe.encodings = encodings_of(graph, extremes, seen, weighted);
      recipes->push_back(std::move(recipe));
      // Only kAuto weighs.
      if (options_.observer != Observer::kAuto) break;
    }
    return {};
  }

  // Equalised or not, large values weighted or not: whichever keeps the outputs best.
  Result<Recipe> best_recipe() {
    std::vector<Recipe> recipes;
    DOTORI_ASSIGN_OR_RETURN(std::vector<Extremes> extremes, observe_extremes(plain_, "measuring ranges"));
    DOTORI_RETURN_IF_ERROR(add_recipes(plain_, 0, extremes, &recipes));
    if (options_.equalize) {
      Graph equal = plain_;
      int equalized = 0;
      DOTORI_ASSIGN_OR_RETURN(equalized, equalize(equal, extremes));
      if (equalized > 0) {
        DOTORI_ASSIGN_OR_RETURN(extremes, observe_extremes(equal, "measuring ranges again"));
        DOTORI_RETURN_IF_ERROR(add_recipes(equal, equalized, extremes, &recipes));
      }
    }
    std::size_t best = 0;
    double most = -1e300;
    for (std::size_t i = 0; recipes.size() > 1 && i < recipes.size(); ++i) {
      double found = 0;
      DOTORI_ASSIGN_OR_RETURN(found, quality(recipes[i]));
      if (found <= most) continue;
      most = found;
      best = i;
    }
    return std::move(recipes[best]);
  }

  // Corrected biases, unless they keep the outputs worse.
  Status correct(Recipe* recipe, const std::vector<bool>& int8) {
    Recipe corrected = *recipe;
    DOTORI_RETURN_IF_ERROR(correct_biases(corrected.prepared, corrected.encodings, int8, data_, data_.samples, options_,
                                          &corrected.adjustments));
    double before = 0, after = 0;
    DOTORI_ASSIGN_OR_RETURN(before, quality(*recipe));
    DOTORI_ASSIGN_OR_RETURN(after, quality(corrected));
    // Within this the few samples of the comparison say nothing.
    constexpr double kUndecided = 0.3;
    if (after >= before - kUndecided) *recipe = std::move(corrected);
    return {};
  }

  Result<double> measure(const Recipe& recipe, const LowerOptions& lower_options, Quantized* result) {
    DOTORI_ASSIGN_OR_RETURN(const Graph graph, lower(recipe.prepared, recipe.encodings, lower_options));
    ++result->metric_evaluations;
    return options_.metric(graph);
  }

  // Adds to lower_options->keep_fp32 what it takes to stay within max_drop.
  Status meet_metric(const Recipe& recipe, LowerOptions* lower_options, Quantized* result) {
    graph::QuantizationReport& report = result->graph.quantization;
    report.metric = options_.metric_name.empty() ? "metric" : options_.metric_name;
    report.metric_samples = options_.metric_samples;
    report.max_drop = options_.max_drop;
    ++result->metric_evaluations;
    DOTORI_ASSIGN_OR_RETURN(report.before, options_.metric(fp32_));
    DOTORI_ASSIGN_OR_RETURN(report.after, measure(recipe, *lower_options, result));
    // Figures in percent come from divisions.
    const double wanted = report.before - options_.max_drop - 1e-9;
    if (options_.max_drop < 0 || report.after >= wanted) return {};

    const std::vector<bool> int8 = choose_int8(recipe.prepared, lower_options->keep_fp32);
    DOTORI_ASSIGN_OR_RETURN(const std::vector<Harm> harms,
                            rank_by_harm(recipe.prepared, int8, recipe.encodings, *lower_options, data_,
                                         std::min(data_.samples, kHarmSamples), options_));
    const std::set<std::string> asked = lower_options->keep_fp32;
    const auto keep_first = [&](std::size_t count) {
      lower_options->keep_fp32 = asked;
      for (std::size_t i = 0; i < count; ++i) lower_options->keep_fp32.insert(harms[i].node);
    };
    // Twice as many each time until it is enough, then halves in between.
    std::size_t too_few = 0, enough = 0;
    double best = report.after, enough_value = 0;
    std::size_t best_count = 0;
    const auto good = [&](std::size_t count) -> Result<bool> {
      keep_first(count);
      double value = 0;
      DOTORI_ASSIGN_OR_RETURN(value, measure(recipe, *lower_options, result));
      if (value > best) {
        best = value;
        best_count = count;
      }
      if (value >= wanted) enough_value = value;
      return value >= wanted;
    };
    // With more than this in float32 there is little left of an int8 network.
    const std::size_t most = std::max<std::size_t>(1, harms.size() / 2);
    for (std::size_t count = 1; enough == 0; count = std::min(count * 2, most)) {
      bool met = false;
      DOTORI_ASSIGN_OR_RETURN(met, good(count));
      if (met) {
        enough = count;
      } else {
        too_few = count;
        if (count == most) break;
      }
    }
    if (enough == 0) {
      if (!options_.accept_any_drop) {
        return unsupported("quantising costs " + number(report.before - best) + " points of " + report.metric + " (" +
                           number(report.before) + " to " + number(best) + " %) even with the " +
                           std::to_string(best_count) + " most harmful of " + std::to_string(harms.size()) +
                           " layers in float32; " + number(options_.max_drop) + " were allowed");
      }
      keep_first(best_count);
      report.after = best;
      remember(harms, best_count, result);
      return {};
    }
    while (enough - too_few > 1) {
      const std::size_t middle = (enough + too_few) / 2;
      bool met = false;
      DOTORI_ASSIGN_OR_RETURN(met, good(middle));
      (met ? enough : too_few) = middle;
    }
    keep_first(enough);
    report.after = enough_value;
    remember(harms, enough, result);
    return {};
  }

  static std::string number(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", x);
    return text;
  }

  static void remember(const std::vector<Harm>& harms, std::size_t count, Quantized* result) {
    for (std::size_t i = 0; i < count; ++i) result->kept.push_back(harms[i].node);
  }

  std::string method(const Recipe& recipe, const LowerOptions& lower_options) const {
    static constexpr const char* kNames[] = {"auto", "min-max", "average", "percentile", "entropy", "mse"};
    std::string text = std::string("int8, ranges by ") + kNames[static_cast<std::size_t>(options_.observer)];
    if (recipe.equalized > 0) text += ", " + std::to_string(recipe.equalized) + " layers equalised";
    const Adjustments& a = recipe.adjustments;
    if (!a.biases.empty()) text += ", biases of " + std::to_string(a.biases.size()) + " layers corrected";
    if (!a.weights.empty()) text += ", rounding adapted in " + std::to_string(a.weights.size()) + " layers";
    if (!lower_options.keep_fp32.empty()) {
      text += ", " + std::to_string(lower_options.keep_fp32.size()) + " layers kept in float32";
    }
    return text;
  }

  const Graph& fp32_;
  const Calibration& data_;
  const Options& options_;
  Graph plain_;
};

}  // namespace

Result<Quantized> quantize(const Graph& fp32, const Calibration& data, const Options& options) {
  DOTORI_RETURN_IF_ERROR(check_arguments(fp32, data, options));
  return Quantizer(fp32, data, options).run();
}

}  // namespace dotori::quantize
