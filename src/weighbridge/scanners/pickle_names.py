"""Which globals a pickle may name: the allow-list, the review list, and everything else.

A denylist misses what its author did not think of, so nothing is allowed here that is not listed
by its full dotted name. The torch part is the list that torch 2.13's ``torch.load(weights_only=True)``
accepts; the numpy part is what a pickled array of numbers needs.
"""

from __future__ import annotations

import re

from weighbridge.domain.scan import Severity

TENSOR_GLOBALS = frozenset(
    """
    _codecs.encode builtins.bytearray builtins.complex builtins.set collections.Counter
    collections.OrderedDict
    torch.BFloat16Storage torch.BFloat16Tensor torch.BoolStorage torch.BoolTensor torch.ByteStorage
    torch.ByteTensor torch.CharStorage torch.CharTensor torch.ComplexDoubleStorage
    torch.ComplexFloatStorage torch.DoubleStorage torch.DoubleTensor torch.FloatStorage
    torch.FloatTensor torch.HalfStorage torch.HalfTensor torch.IntStorage torch.IntTensor
    torch.LongStorage torch.LongTensor torch.QInt32Storage torch.QInt8Storage torch.QUInt2x4Storage
    torch.QUInt4x2Storage torch.QUInt8Storage torch.ShortStorage torch.ShortTensor torch.Size
    torch.Tensor torch._tensor._rebuild_from_type_v2 torch._utils._rebuild_device_tensor_from_cpu_tensor
    torch._utils._rebuild_device_tensor_from_numpy torch._utils._rebuild_meta_tensor_no_storage
    torch._utils._rebuild_nested_tensor torch._utils._rebuild_parameter
    torch._utils._rebuild_parameter_with_state torch._utils._rebuild_qtensor
    torch._utils._rebuild_sparse_tensor torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2
    torch._utils._rebuild_tensor_v3 torch._utils._rebuild_wrapper_subclass torch.bfloat16 torch.bits16
    torch.bits1x8 torch.bits2x4 torch.bits4x2 torch.bits8 torch.bool torch.complex128 torch.complex32
    torch.complex64 torch.cuda.BFloat16Storage torch.cuda.BFloat16Tensor torch.cuda.BoolStorage
    torch.cuda.BoolTensor torch.cuda.ByteStorage torch.cuda.ByteTensor torch.cuda.CharStorage
    torch.cuda.CharTensor torch.cuda.ComplexDoubleStorage torch.cuda.ComplexFloatStorage
    torch.cuda.DoubleStorage torch.cuda.DoubleTensor torch.cuda.FloatStorage torch.cuda.FloatTensor
    torch.cuda.HalfStorage torch.cuda.HalfTensor torch.cuda.IntStorage torch.cuda.IntTensor
    torch.cuda.LongStorage torch.cuda.LongTensor torch.cuda.ShortStorage torch.cuda.ShortTensor
    torch.cuda.sparse.BFloat16Tensor torch.cuda.sparse.ByteTensor torch.cuda.sparse.CharTensor
    torch.cuda.sparse.DoubleTensor torch.cuda.sparse.FloatTensor torch.cuda.sparse.HalfTensor
    torch.cuda.sparse.IntTensor torch.cuda.sparse.LongTensor torch.cuda.sparse.ShortTensor torch.device
    torch.float16 torch.float32 torch.float4_e2m1fn_x2 torch.float64 torch.float8_e4m3fn
    torch.float8_e4m3fnuz torch.float8_e5m2 torch.float8_e5m2fnuz torch.float8_e8m0fnu torch.int1
    torch.int16 torch.int2 torch.int3 torch.int32 torch.int4 torch.int5 torch.int6 torch.int64
    torch.int7 torch.int8 torch.nn.parameter.Parameter torch.per_channel_affine
    torch.per_channel_affine_float_qparams torch.per_channel_symmetric torch.per_tensor_affine
    torch.per_tensor_symmetric torch.qint32 torch.qint8 torch.quint2x4 torch.quint4x2 torch.quint8
    torch.serialization._get_layout torch.sparse.BFloat16Tensor torch.sparse.ByteTensor
    torch.sparse.CharTensor torch.sparse.DoubleTensor torch.sparse.FloatTensor torch.sparse.HalfTensor
    torch.sparse.IntTensor torch.sparse.LongTensor torch.sparse.ShortTensor torch.storage.TypedStorage
    torch.storage.UntypedStorage torch.uint1 torch.uint16 torch.uint2 torch.uint3 torch.uint32
    torch.uint4 torch.uint5 torch.uint6 torch.uint64 torch.uint7 torch.uint8
    torch.UntypedStorage torch.storage._TypedStorage torch.storage._UntypedStorage
    numpy.dtype numpy.ndarray numpy.core.multiarray._reconstruct numpy.core.multiarray.scalar
    numpy._core.multiarray._reconstruct numpy._core.multiarray.scalar
    """.split()  # noqa: SIM905
)
"""Build tensors and nothing else; a pickle that names only these is ``allow``."""

_REVIEW_EXACT = frozenset(
    """
    builtins.object builtins.int builtins.float builtins.bool builtins.str builtins.bytes
    builtins.list builtins.dict builtins.tuple builtins.frozenset builtins.slice builtins.range
    copyreg._reconstructor collections.defaultdict collections.deque
    datetime.datetime datetime.date datetime.timedelta decimal.Decimal pathlib.PosixPath pathlib.Path
    argparse.Namespace types.SimpleNamespace uuid.UUID
    numpy.random._pickle.__randomstate_ctor numpy.random._pickle.__generator_ctor
    numpy.random._pickle.__bit_generator_ctor numpy.random._mt19937.MT19937 numpy.random._pcg64.PCG64
    numpy.random.bit_generator.SeedSequence numpy.random.bit_generator.__pyx_unpickle_SeedSequence
    numpy.random.mtrand.RandomState numpy.ma.core.MaskedArray numpy.ma.core._mareconstruct
    numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer
    numpy.matrix numpy.matrixlib.defmatrix.matrix
    numpy.float32 numpy.float64 numpy.int32 numpy.int64 numpy.bool_
    joblib.numpy_pickle.NumpyArrayWrapper joblib.numpy_pickle.NDArrayWrapper
    joblib.numpy_pickle.ZNDArrayWrapper sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper
    sklearn.externals.joblib.numpy_pickle.NDArrayWrapper
    sklearn.neighbors._kd_tree.newObj sklearn.neighbors._ball_tree.newObj
    sklearn.metrics._dist_metrics.newObj sklearn.metrics._dist_metrics.get_metric
    transformers.training_args.TrainingArguments transformers.training_args.OptimizerNames
    transformers.training_args.ParallelMode transformers.training_args_seq2seq.Seq2SeqTrainingArguments
    transformers.trainer_utils.IntervalStrategy transformers.trainer_utils.SchedulerType
    transformers.trainer_utils.HubStrategy transformers.trainer_utils.EvaluationStrategy
    transformers.trainer_utils.SaveStrategy transformers.trainer_utils.FSDPOption
    transformers.trainer_utils.ExplicitEnum transformers.trainer_pt_utils.AcceleratorConfig
    transformers.debug_utils.DebugOption transformers.generation.configuration_utils.GenerationConfig
    transformers.integrations.deepspeed.HfDeepSpeedConfig
    transformers.integrations.deepspeed.HfTrainerDeepSpeedConfig
    transformers.deepspeed.HfDeepSpeedConfig transformers.deepspeed.HfTrainerDeepSpeedConfig
    accelerate.state.PartialState accelerate.state.AcceleratorState
    accelerate.utils.dataclasses.DistributedType accelerate.utils.dataclasses.DeepSpeedPlugin
    accelerate.utils.dataclasses.FullyShardedDataParallelPlugin
    sentence_transformers.training_args.SentenceTransformerTrainingArguments
    sentence_transformers.training_args.BatchSamplers
    sentence_transformers.training_args.MultiDatasetBatchSamplers
    trl.trainer.sft_config.SFTConfig trl.trainer.dpo_config.DPOConfig trl.trainer.grpo_config.GRPOConfig
    trl.trainer.reward_config.RewardConfig trl.trainer.ppo_config.PPOConfig
    pandas.core.frame.DataFrame pandas.core.series.Series pandas.core.indexes.base.Index
    pandas.core.indexes.base._new_Index pandas.core.indexes.range.RangeIndex
    pandas.core.indexes.multi.MultiIndex pandas.core.indexes.numeric.Int64Index
    pandas.core.indexes.numeric.Float64Index pandas.core.indexes.datetimes.DatetimeIndex
    pandas.core.indexes.datetimes._new_DatetimeIndex pandas.core.indexes.category.CategoricalIndex
    pandas.core.arrays.categorical.Categorical pandas.core.dtypes.dtypes.CategoricalDtype
    pandas.core.internals.managers.BlockManager pandas.core.internals.managers.SingleBlockManager
    pandas.core.internals.blocks.new_block pandas._libs.internals._unpickle_block
    tables.Leaf.Filters tables.filters.Filters pandas._libs.arrays.__pyx_unpickle_NDArrayBacked
    pandas._libs.tslibs.timestamps._unpickle_timestamp
    xgboost.core.Booster xgboost.sklearn.XGBClassifier xgboost.sklearn.XGBRegressor
    xgboost.sklearn.XGBModel xgboost.sklearn.XGBRanker
    lightgbm.basic.Booster lightgbm.sklearn.LGBMClassifier lightgbm.sklearn.LGBMRegressor
    lightgbm.sklearn.LGBMModel lightgbm.sklearn.LGBMRanker
    """.split()  # noqa: SIM905
)
_SKLEARN = re.compile(
    r"sklearn\.(?:base|calibration|cluster|compose|covariance|cross_decomposition|decomposition"
    r"|discriminant_analysis|dummy|ensemble|feature_extraction|feature_selection|gaussian_process"
    r"|impute|isotonic|kernel_approximation|kernel_ridge|linear_model|_loss|manifold|mixture"
    r"|model_selection|multiclass|multioutput|naive_bayes|neighbors|neural_network|pipeline"
    r"|preprocessing|random_projection|semi_supervised|svm|tree|utils\._bunch)"
    r"(?:\.[a-z_][a-z0-9_]*){0,2}"
)
_FOREIGN_MODULES = frozenset(
    "os sys subprocess shutil importlib builtins joblib _joblib externals pickle tests testing".split()  # noqa: SIM905
)
_FOREIGN_CLASSES = frozenset(
    """
    Popen Path PosixPath Process Pool Thread Timer Parallel Memory Integral Real Iterable Mapping
    Callable FunctionType CodeType ThreadPool ThreadPoolExecutor
    """.split()  # noqa: SIM905
)
"""Imported into scikit-learn's modules by name, but not estimators."""
_CLASS = re.compile(r"_?[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*|SVC|SVR|PCA|NMF|MDS|TSNE|OPTICS|DBSCAN|HDBSCAN")
_DATA = re.compile(
    r"pandas\._libs\.tslibs\.offsets\.[A-Z][A-Za-z]+|scipy\.sparse(?:\._?(?:csr|csc|coo|bsr|dia|lil|dok))?"
    r"\.(?:csr|csc|coo|bsr|dia|lil|dok)_(?:matrix|array)"
)


def judge_global(module: str, name: str) -> Severity:
    """What naming ``module`` and ``name`` in a pickle is worth; an exact match decides, never a prefix.

    A dotted ``name`` walks attributes (``sklearn.x`` to ``os.system``), so it is always ``block``.
    """
    if "." in name or not name or not module:
        return Severity.BLOCK
    full = f"{module}.{name}"
    if full in TENSOR_GLOBALS:
        return Severity.ALLOW
    if full in _REVIEW_EXACT or _DATA.fullmatch(full) or _is_estimator(module, name):
        return Severity.REVIEW
    return Severity.BLOCK


_SCRIPT_MODULE = re.compile(r"__torch__(?:\.[A-Za-z_]\w*)*")
_SCRIPT_LISTS = frozenset(
    ["build_intlist", "build_tensorlist", "build_doublelist", "build_boollist", "restore_type_tag"]
)


def judge_script_global(module: str, name: str) -> Severity:
    """The same within a TorchScript archive, whose pickles also name the classes of its own program."""
    if "." not in name and (
        _SCRIPT_MODULE.fullmatch(module) or (module == "torch.jit._pickle" and name in _SCRIPT_LISTS)
    ):
        return Severity.REVIEW
    return judge_global(module, name)


def _is_estimator(module: str, name: str) -> bool:
    return (
        _SKLEARN.fullmatch(module) is not None
        and _CLASS.fullmatch(name) is not None
        and name not in _FOREIGN_CLASSES
        and not _FOREIGN_MODULES.intersection(module.split("."))
    )
