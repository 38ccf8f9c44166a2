// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {ICreate3Factory} from "../../interfaces/ICreate3Factory.sol";

/// @title Create3Factory
/// @dev CREATE2 gives an address that depends on the code; so what is deployed by CREATE2 is always the same tiny contract,
/// which then deploys what was asked for by CREATE, as the first thing it ever does: its nonce is 1. The idea, and the tiny
/// contract, are 0xsequence/create3's.
contract Create3Factory is ICreate3Factory {
    /// @dev Whoever calls it has the calldata deployed: CALLDATACOPY(0, 0, CALLDATASIZE) CREATE(CALLVALUE, 0, CALLDATASIZE).
    bytes private constant NEST = hex"67363d3d37363d34f03d5260086018f3";

    /// @inheritdoc ICreate3Factory
    function deploy(bytes32 salt, bytes calldata initCode) external returns (address deployed) {
        deployed = addressOf(msg.sender, salt);
        if (deployed.code.length != 0) revert AlreadyDeployed(deployed);
        address nest = Create2.deploy(0, _nestSalt(msg.sender, salt), NEST);
        Address.functionCall(nest, initCode);
        if (deployed.code.length == 0) revert ConstructorFailed(salt);
        emit Deployed(msg.sender, salt, deployed);
    }

    /// @inheritdoc ICreate3Factory
    function addressOf(address deployer, bytes32 salt) public view returns (address) {
        address nest = Create2.computeAddress(_nestSalt(deployer, salt), keccak256(NEST));
        // The RLP of (nest, 1): a list of 22 bytes, of which 20 are the address.
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", nest, hex"01")))));
    }

    function _nestSalt(address deployer, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(deployer, salt));
    }
}
