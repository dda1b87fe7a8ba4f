import { defineKernel } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import product from '../parts/product.wgsl';
import { subgroupLaunch } from './matmulSubgroup.ts';
import wgsl from './matmulSubgroup8.wgsl';
import { productAnswer, SOURCE_TO_STORE } from './role.ts';

export const matmulSubgroup8 = defineKernel('matmulSubgroup8', [wgsl, columns, product, ...SOURCE_TO_STORE], subgroupLaunch, productAnswer);
